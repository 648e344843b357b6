import { useMemo } from "react";
import { printJson } from "@/lib/api/json";
import { cx } from "@/lib/cx";
import type { PlainMessage } from "@/lib/messages-in";
import { chatIn } from "@/lib/payload-text";
import { Code } from "./Code";
import { CopyButton } from "./CopyButton";
import { JsonView } from "./JsonView";
import { Markdown } from "./Markdown";
import { jsonIn } from "./PayloadView";
import { RoleCard } from "./RoleCard";
import { SentText } from "./SentText";
import styles from "./ValueView.module.css";

interface Props {
  /** Names the value for those who do not see it. */
  label: string;
  value: unknown;
  maxHeight?: number;
}

/** Values up to here stand beside their names. */
const SHORT_CHARS = 60;

/** A payload as it is meant to be read: a chat, texts by name, else a tree. */
export function ValueView({ label, value, maxHeight = 360 }: Props) {
  const chat = useMemo(() => chatIn(value), [value]);
  if (value === null || value === undefined) return <p className={styles.none}>None</p>;
  if (chat) {
    return (
      <div className={styles.stack}>
        <ChatMessages messages={chat.messages} />
        {chat.rest ? (
          <ValueView label={`Other ${label.toLowerCase()}`} value={chat.rest} maxHeight={maxHeight} />
        ) : null}
      </div>
    );
  }
  if (typeof value === "string") return <Text text={value} />;
  if (isFlat(value)) {
    const compact = Object.values(value).every((field) => textOf(field).length <= SHORT_CHARS);
    return (
      <dl className={cx(styles.fields, compact && styles.compact)}>
        {Object.entries(value).map(([name, field]) => (
          <div key={name}>
            <dt>
              <span>
                <SentText text={name} />
              </span>
              <CopyButton text={() => textOf(field)} label={`Copy ${name}`} size={11} />
            </dt>
            <dd>{typeof field === "string" ? <Text text={field} /> : <span className="mono">{textOf(field)}</span>}</dd>
          </div>
        ))}
      </dl>
    );
  }
  return (
    <div className={styles.tree}>
      <JsonView data={value} maxHeight={maxHeight} label={label} />
    </div>
  );
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : printJson(value));

const Text = ({ text }: { text: string }) => (
  <div className={styles.text}>
    <Markdown text={text} />
  </div>
);

/** A few members that are texts and numbers: they read better than a tree. */
function isFlat(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const fields = Object.values(value);
  return (
    fields.length > 0 && fields.length <= 12 && fields.every((field) => typeof field !== "object" || field === null)
  );
}

/** Messages of a chat: who says what, and which tools are called. */
function ChatMessages({ messages }: { messages: PlainMessage[] }) {
  return messages.map((message, index) => (
    <RoleCard
      // oxlint-disable-next-line react/no-array-index-key -- messages have no identity but their place
      key={index}
      who={message.role}
      actions={message.text ? <CopyButton text={message.text} label="Copy message" size={11} /> : null}
    >
      {message.text ? <Text text={message.text} /> : null}
      {message.calls.map((call, at) => (
        <div key={at} className={styles.call}>
          <span className="mono">
            <SentText text={call.name} />
          </span>
          <Code code={argumentsText(call.arguments)} lang="json" />
        </div>
      ))}
    </RoleCard>
  ));
}

function argumentsText(value: unknown): string {
  const parsed = typeof value === "string" ? (jsonIn(value) ?? value) : value;
  return typeof parsed === "string" ? parsed : printJson(parsed ?? {});
}
