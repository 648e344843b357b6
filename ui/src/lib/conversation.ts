//! What was said in a turn of a thread: the question of the user and the answer, out of a root run as it was recorded.
//! Applications keep the whole history in their input, and some of them (LangGraph) in their output as well.

import { onlyText } from "./text";
import type { Message, Payload, Run } from "./api/types";

/** One side of a turn. */
export interface Said {
  messages: Message[];
  /** When it is no message: the text in it, or nothing. */
  text: string | null;
  /** When it is neither. */
  rest: unknown;
}

const isUser = (message: Message): boolean => message.role === "user" || message.role === "human";
const isAssistant = (message: Message): boolean => message.role === "assistant" || message.role === "ai";

/** Where a text is kept when an input or output is an object with several members. */
const QUESTION = ["input", "question", "query", "message", "prompt", "user_input", "text", "content"];
const ANSWER = ["output", "answer", "response", "result", "message", "final_answer", "completion", "text", "content"];

/** What the user said in this turn: of a history only what comes after the last answer. */
export function questionOf(run: Pick<Run, "inputs">): Said {
  const { messages } = run.inputs;
  const answered = messages.findLastIndex((message) => isAssistant(message) && hasContent(message));
  const said = messages.slice(answered + 1).filter(isUser);
  // A call that ends with an answer, as when text is to be continued: the last words of the user.
  const last = said.length > 0 ? said : messages.filter(isUser).slice(-1);
  return last.length > 0 ? { messages: last, text: null, rest: null } : otherwise(run.inputs, QUESTION);
}

/** What the application answered: of a history only what comes after the last question, and no calls of tools. */
export function answerOf(run: Pick<Run, "outputs">): Said {
  const { messages } = run.outputs;
  const asked = messages.findLastIndex(isUser);
  const said = messages.slice(asked + 1).filter((message) => isAssistant(message) && hasContent(message));
  return said.length > 0 ? { messages: said, text: null, rest: null } : otherwise(run.outputs, ANSWER);
}

function hasContent({ content }: Message): boolean {
  if (Array.isArray(content)) return content.some((part) => part.type !== "text" || Boolean(part.text));
  return typeof content === "string" ? content.trim() !== "" : content !== null && content !== undefined;
}

function otherwise({ rest }: Payload, names: readonly string[]): Said {
  const text = textIn(rest, names);
  return { messages: [], text, rest: text === null && !isEmpty(rest) ? rest : null };
}

/** The text that a value is, that it keeps under its only or its best known name, or that is the only one in it. */
export function textIn(value: unknown, names: readonly string[]): string | null {
  if (typeof value === "string") return value === "" ? null : value;
  if (value === null || typeof value !== "object" || Array.isArray(value)) return null;
  const object = value as Record<string, unknown>;
  const members = Object.values(object);
  if (members.length === 1 && typeof members[0] === "string") return members[0];
  const name = names.find((known) => typeof object[known] === "string" && object[known] !== "");
  return name === undefined ? onlyText(object) : (object[name] as string);
}

const isEmpty = (value: unknown): boolean =>
  value === null || value === undefined || (typeof value === "object" && Object.keys(value).length === 0);

/** One side as Markdown. */
export function markdownOf({ messages, text, rest }: Said): string {
  if (text !== null) return text;
  if (messages.length > 0) return messages.map(messageText).join("\n\n");
  return rest === null ? "" : `\`\`\`json\n${JSON.stringify(rest, null, 2)}\n\`\`\``;
}

function messageText({ content }: Message): string {
  if (typeof content === "string") return content;
  const parts = (content ?? []).map((part) => (typeof part.text === "string" ? part.text : `_[${part.type}]_`));
  return parts.join("\n\n");
}
