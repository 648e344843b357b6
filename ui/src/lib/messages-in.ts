//! The chat inside of what a client sent, in the forms that LangSmith's clients send: OpenAI's, LangChain's, Anthropic's.

import { isObject, type Json } from "./api/json";

export interface PlainMessage {
  role: string;
  text: string;
  calls: { name: string; arguments: unknown }[];
}

const ROLES = new Map([
  ["human", "user"],
  ["ai", "assistant"],
  ["AIMessageChunk", "assistant"],
]);

/** The messages, when the value holds nothing else; otherwise nothing, and it is shown as it is. */
export function messagesIn(value: unknown): PlainMessage[] | null {
  const list = listIn(value);
  if (!list || list.length === 0) return null;
  const messages = list.map(readMessage);
  return messages.every((message) => message !== null) ? messages : null;
}

/** Where the forms keep their list. */
function listIn(value: unknown): unknown[] | null {
  if (Array.isArray(value)) return value.length === 1 && Array.isArray(value[0]) ? value[0] : value;
  if (!isObject(value)) return null;
  if (Array.isArray(value.generations)) {
    const answers = (value.generations as unknown[]).flat();
    return answers.every((answer) => isObject(answer) && answer.message)
      ? answers.map((a) => (a as Json).message)
      : null;
  }
  if (Array.isArray(value.choices))
    return value.choices.every((choice) => isObject(choice) && choice.message)
      ? value.choices.map((choice) => (choice as Json).message)
      : null;
  const keys = Object.keys(value);
  if (keys.length === 1 && keys[0] === "messages") return listIn(value.messages);
  if (keys.length === 1 && keys[0] === "output" && isObject(value.output)) return [value.output];
  return "role" in value && "content" in value ? [value] : null;
}

function readMessage(value: unknown): PlainMessage | null {
  if (!isObject(value)) return null;
  const constructed = value.type === "constructor" && isObject(value.kwargs) ? value.kwargs : null;
  const inner = constructed ?? (isObject(value.data) ? value.data : value);
  const kind = inner.role ?? inner.type ?? (constructed ? classOf(value) : value.type);
  if (typeof kind !== "string" || !("content" in inner)) return null;
  const text = readContent(inner.content);
  return text === null ? null : { role: ROLES.get(kind) ?? kind, text, calls: readCalls(inner) };
}

/** `HumanMessage` of `{"lc": 1, "id": [… "HumanMessage"]}` is `human`. */
function classOf(value: Json): string | undefined {
  const last = Array.isArray(value.id) ? (value.id.at(-1) as unknown) : undefined;
  return typeof last === "string" ? last.replace(/Message(?:Chunk)?$/, "").toLowerCase() : undefined;
}

/** Text, or parts that are all text; anything else is not shortened to text. */
function readContent(content: unknown): string | null {
  if (content === null || content === undefined) return "";
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return null;
  const texts = content.map((part: unknown) =>
    typeof part === "string" ? part : isObject(part) && typeof part.text === "string" ? part.text : null,
  );
  return texts.every((text) => text !== null) ? texts.join("\n\n") : null;
}

function readCalls(message: Json): PlainMessage["calls"] {
  const list = Array.isArray(message.tool_calls) ? (message.tool_calls as unknown[]) : [];
  return list.filter(isObject).map((call) => {
    const inner = isObject(call.function) ? call.function : call;
    return { name: String(inner.name ?? "tool"), arguments: inner.arguments ?? inner.args };
  });
}
