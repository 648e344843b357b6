//! What of a payload is meant to be read, in one text.

import { isObject, type Json, printJson } from "./api/json";
import { onlyText } from "./text";
import { showTurns } from "./visible-text";
import { messagesIn, type PlainMessage } from "./messages-in";

/** The chat of a payload, also of one that has more in it; and what that is. */
export function chatIn(value: unknown): { messages: PlainMessage[]; rest: Json | null } | null {
  const all = messagesIn(value);
  if (all) return { messages: all, rest: null };
  if (!isObject(value)) return null;
  const { messages, ...rest } = value;
  const some = messages === undefined ? null : messagesIn({ messages });
  return some && { messages: some, rest };
}

const messageText = (message: PlainMessage): string =>
  [message.text, ...message.calls.map((call) => `${call.name}(${leafText(call.arguments)})`)]
    .filter((text) => text !== "")
    .join("\n");

/** One line for a table: the main text, or `name: value · …`. */
export function lineText(value: unknown): string {
  const many = isObject(value) && Object.keys(value).length > 1 && onlyText(value) === null && chatIn(value) === null;
  const text = many
    ? Object.entries(value)
        .map(([name, member]) => `${name}: ${leafText(member)}`)
        .join(" · ")
    : mainText(value);
  return showTurns(text.replace(/\s+/g, " "));
}

/** The one text that stands for a payload: its only text, its last message, else its JSON. */
export function mainText(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return value;
  const messages = chatIn(value)?.messages;
  const last = messages?.findLast((message) => message.role !== "system") ?? messages?.at(-1);
  if (last) return messageText(last);
  if (isObject(value)) {
    const entries = Object.entries(value);
    if (entries.length === 0) return "";
    const only = onlyText(value);
    if (only !== null) return only;
    if (entries.length === 1) return isObject(entries[0][1]) ? mainText(entries[0][1]) : leafText(entries[0][1]);
  }
  return printJson(value);
}

const leafText = (value: unknown): string => (typeof value === "string" ? value : printJson(value, 0));
