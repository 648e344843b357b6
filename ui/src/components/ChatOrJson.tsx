import { useMemo } from "react";
import { printJson } from "@/lib/api/json";
import { messagesIn } from "@/lib/messages-in";
import { Code } from "./Code";
import { CopyButton } from "./CopyButton";
import { Markdown } from "./Markdown";
import { jsonIn, PayloadView } from "./PayloadView";
import { RoleCard } from "./RoleCard";

interface Props {
  title: string;
  /** The way of showing JSON is remembered under this name. */
  field: string;
  value: unknown;
  failed?: boolean;
}

/** Messages where a payload is a chat, the payload itself otherwise. */
export function ChatOrJson({ title, field, value, failed }: Props) {
  const messages = useMemo(() => messagesIn(value), [value]);
  if (!messages) return <PayloadView title={title} field={field} value={value} failed={failed} />;
  return (
    <>
      <h3>{title}</h3>
      {messages.map((message, index) => (
        <RoleCard
          // oxlint-disable-next-line react/no-array-index-key -- messages have no identity but their place
          key={index}
          who={message.role}
          actions={message.text ? <CopyButton text={message.text} label="Copy message" size={11} /> : null}
        >
          {message.text ? <Markdown text={message.text} /> : null}
          {message.calls.map((call, at) => (
            <Code key={at} code={`${call.name}(${argumentsOf(call.arguments)})`} lang="js" />
          ))}
        </RoleCard>
      ))}
    </>
  );
}

function argumentsOf(value: unknown): string {
  const parsed = typeof value === "string" ? (jsonIn(value) ?? value) : value;
  return typeof parsed === "string" ? parsed : printJson(parsed ?? {});
}
