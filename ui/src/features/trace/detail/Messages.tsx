import { ChevronRight } from "lucide-react";
import { useMemo, useState } from "react";
import type { Run } from "@/lib/api/types";
import { useCommands } from "@/lib/commands";
import { plural } from "@/lib/format";
import { buildChat, type Turn } from "@/components/chat/chat";
import styles from "@/components/chat/Chat.module.css";
import { MessageCard } from "@/components/chat/MessageCard";
import { SourceContext, useSourceSwitch } from "@/components/chat/source";
import { PayloadView } from "@/components/PayloadView";
import { Tag } from "@/components/Tag";
import type { TraceState } from "../state/useTraceState";
import { findToolSpan } from "./find-tool-span";
import { From, useSources } from "./From";
import { copyPathLink } from "./TabContent";

/** Without a known shared part, more than this many messages start folded. */
const SHOWN_AT_ONCE = 40;

/** Delta chat: what this call added, then the answer; what was sent before is one folded line. */
export function Messages({ run, state }: { run: Run; state: TraceState }) {
  const chat = useMemo(() => buildChat(run.inputs.messages, run.outputs.messages, run.shared_prefix), [run]);
  const [all, setAll] = useState(false);
  const source = useSourceSwitch();
  useCommands([
    {
      id: "history",
      title: "Show or fold earlier messages",
      group: "Details",
      keys: ["H"],
      run: () => setAll((old) => !old),
    },
  ]);
  const { earlier, fresh, unknownCut } = cut(chat.earlier, chat.fresh);
  const goTo = (name: string) => findToolSpan(state.model, state.selected, name);
  const card = (turn: Turn, folded?: boolean) => (
    <MessageCard
      key={`${turn.message.role} ${turn.index}`}
      turn={turn}
      toolNames={chat.toolNames}
      folded={folded}
      findSpan={goTo}
      onSelect={state.select}
    />
  );
  const nothingIn = run.inputs.messages.length === 0 && empty(run.inputs.rest);
  const nothingOut = chat.response.length === 0 && empty(run.outputs.rest);
  return (
    <SourceContext value={source}>
      <div className={styles.chat}>
        <Side title="request" field={["inputs.messages", "inputs"]} />
        {chat.system.map((turn) => card(turn, true))}
        {earlier.length > 0 ? (
          <button type="button" className={styles.earlier} aria-expanded={all} onClick={() => setAll(!all)}>
            <ChevronRight size={12} aria-hidden style={{ transform: all ? "rotate(90deg)" : undefined }} />
            <span>
              <b>{plural(countOf(earlier), "earlier message")}</b>
              {unknownCut ? "" : ", unchanged since the previous call"}
            </span>
            <span className="grow" />
            {unknownCut ? null : (
              <Tag tone="warn" title="These messages were sent, and paid for, again">
                re-sent
              </Tag>
            )}
          </button>
        ) : null}
        {all ? earlier.map((turn) => card(turn)) : null}
        {chat.earlier.length > 0 && fresh.length > 0 ? <div className={styles.divider}>new in this call</div> : null}
        {fresh.map((turn) => card(turn))}
        {empty(run.inputs.rest) ? null : <Rest side="inputs" run={run} state={state} />}
        {nothingIn ? <p className={styles.none}>No input was recorded for this call.</p> : null}
        <Side title="response" field={["outputs.messages", "outputs"]} always />
        {chat.response.map((turn) => card(turn))}
        {empty(run.outputs.rest) ? null : <Rest side="outputs" run={run} state={state} />}
        {nothingOut ? <p className={styles.none}>{noOutput(run)}</p> : null}
      </div>
    </SourceContext>
  );
}

/** Begins what went in or came out, and says which attribute held it. */
export function Side({ title, field, always }: { title: string; field: string[]; always?: boolean }) {
  const { sources } = useSources();
  if (!always && !field.some((name) => sources[name] !== undefined)) return null;
  return (
    <div className={styles.divider}>
      {title}
      <From field={field} />
    </div>
  );
}

function noOutput(run: Run): string {
  if (run.status === "pending") return "The answer has not arrived yet.";
  return run.status === "error" ? "The call failed before it gave an answer." : "No output was recorded for this call.";
}

/** What the client sent besides messages. */
export function Rest({ side, run, state }: { side: "inputs" | "outputs"; run: Run; state: TraceState }) {
  const messages = run[side].messages.length > 0;
  const name = side === "inputs" ? "input" : "output";
  return (
    <PayloadView
      title={messages ? `Other ${name}` : name === "input" ? "Input" : "Output"}
      field={side}
      value={run[side].rest}
      failed={side === "outputs" && run.status === "error"}
      pointer={pointerFor(state, side)}
      onLink={(path) => copyPathLink(state.tab === "messages" ? "messages" : "io", `/${side}${path}`)}
    />
  );
}

/** The part of the URL's `path` below one side of the run. */
function pointerFor(state: TraceState, side: string): string | undefined {
  const path = state.path;
  return path?.startsWith(`/${side}`) ? path.slice(side.length + 1) : undefined;
}

export function empty(value: unknown): boolean {
  if (value === null || value === undefined || value === "") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

const countOf = (turns: Turn[]): number =>
  turns.reduce((sum, turn) => sum + 1 + turn.calls.filter((slot) => slot.result !== null).length, 0);

function cut(earlier: Turn[], fresh: Turn[]): { earlier: Turn[]; fresh: Turn[]; unknownCut: boolean } {
  if (fresh.length <= SHOWN_AT_ONCE) return { earlier, fresh, unknownCut: false };
  const at = fresh.length - SHOWN_AT_ONCE;
  return { earlier: [...earlier, ...fresh.slice(0, at)], fresh: fresh.slice(at), unknownCut: true };
}
