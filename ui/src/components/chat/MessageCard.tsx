import { ChevronRight } from "lucide-react";
import { useState } from "react";
import type { Message, ToolCall } from "@/lib/api/types";
import { cx } from "@/lib/cx";
import { printJson } from "@/lib/api/json";
import { showTurns } from "@/lib/visible-text";
import { Code } from "@/components/Code";
import { CopyButton } from "@/components/CopyButton";
import { jsonIn } from "@/components/PayloadView";
import { JsonView } from "@/components/JsonView";
import { SentText } from "@/components/SentText";
import { Tag } from "@/components/Tag";
import { TypeIcon } from "@/components/TypeIcon";
import { partsOf, plainText, reportsError, type Turn } from "./chat";
import styles from "./Chat.module.css";
import { PartView } from "./PartView";

interface Props {
  turn: Turn;
  toolNames: Map<string, string>;
  folded?: boolean;
  /** The span that executed a tool, −1 when unknown. */
  findSpan?: (tool: string) => number;
  onSelect?: (i: number) => void;
}

const TONES: Record<string, string> = {
  user: styles.user,
  human: styles.user,
  assistant: styles.assistant,
  ai: styles.assistant,
  tool: styles.tool,
  function: styles.tool,
};

/** One message: who, what it says, the calls it makes and what they gave. */
export function MessageCard({ turn, toolNames, folded, findSpan, onSelect }: Props) {
  const [open, setOpen] = useState(!folded);
  const { message } = turn;
  const failed = reportsError(message);
  const name = message.name ?? (message.tool_call_id ? toolNames.get(message.tool_call_id) : undefined);
  const head = (
    <>
      <b>{showTurns(message.role)}</b>
      {name ? <span className="mono">{showTurns(name)}</span> : null}
      {failed ? <Tag tone="err">error</Tag> : null}
      {!open ? <span className={styles.first}>{showTurns(plainText(message).slice(0, 160))}</span> : null}
    </>
  );
  return (
    <article className={cx(styles.msg, TONES[message.role], failed && styles.err, !open && styles.closed)}>
      <header>
        {folded === undefined ? (
          head
        ) : (
          <button type="button" className={styles.toggle} aria-expanded={open} onClick={() => setOpen(!open)}>
            <ChevronRight size={12} aria-hidden />
            {head}
          </button>
        )}
        {folded === undefined ? <span className="grow" /> : null}
        {message.finish_reason && message.finish_reason !== "stop" ? (
          <span>{showTurns(message.finish_reason)}</span>
        ) : null}
        <CopyButton text={() => plainText(message)} label="Copy message" size={11} />
      </header>
      {open ? (
        <div className={styles.body}>
          <Content message={message} />
          {turn.calls.map((slot, index) => (
            <CallCard
              key={slot.call.id ?? index}
              call={slot.call}
              result={slot.result?.message ?? null}
              node={findSpan?.(slot.call.name) ?? -1}
              onSelect={onSelect}
            />
          ))}
        </div>
      ) : null}
    </article>
  );
}

function Content({ message }: { message: Message }) {
  const parts = partsOf(message);
  if (parts.length === 0 && (message.tool_calls ?? []).length === 0)
    return <p className={styles.none}>Empty message.</p>;
  // Parts have no identity but their place.
  return parts.map((part, index) => <PartView key={index} part={part} />);
}

interface CallProps {
  call: ToolCall;
  result: Message | null;
  node: number;
  onSelect?: (i: number) => void;
}

function CallCard({ call, result, node, onSelect }: CallProps) {
  const failed = result !== null && reportsError(result);
  return (
    <div className={cx(styles.call)}>
      <header>
        <TypeIcon type="tool" />
        <span className="mono">
          <SentText text={call.name} />
        </span>
        {call.id ? <span className="ellipsis">{showTurns(call.id)}</span> : null}
        <span className="grow" />
        {node >= 0 && onSelect ? (
          <button type="button" className={styles.goto} onClick={() => onSelect(node)}>
            go to span
            <ChevronRight size={11} aria-hidden />
          </button>
        ) : null}
      </header>
      <div className={styles.pad}>
        <Arguments value={call.arguments} />
      </div>
      {result ? (
        <div className={styles.result}>
          <p>Result {failed ? <Tag tone="err">error</Tag> : null}</p>
          <div className={styles.pad}>
            <Content message={result} />
          </div>
        </div>
      ) : null}
    </div>
  );
}

const BIG_CHARS = 4000;

function Arguments({ value }: { value: unknown }) {
  const parsed = typeof value === "string" ? (jsonIn(value) ?? value) : value;
  if (typeof parsed === "string") return <Code code={parsed} />;
  const text = printJson(parsed);
  if (text.length > BIG_CHARS)
    return (
      <div className={styles.tree}>
        <JsonView data={parsed} maxHeight={320} label="Arguments" />
      </div>
    );
  return <Code code={text} lang="json" />;
}
