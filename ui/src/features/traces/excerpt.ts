//! A few readable lines of a payload for the peek pane.

import { printJson } from "@/lib/api/json";
import type { Message, Part, Payload } from "@/lib/api/types";

export interface Piece {
  role: string | null;
  text: string;
}

const MESSAGES = 3;
const CHARACTERS = 700;

/** The first messages of an input, the last ones of an output, else the rest as JSON. */
export function excerpt(payload: Payload | undefined, last: boolean): { parts: Piece[]; hidden: number } {
  const messages = payload?.messages ?? [];
  if (messages.length > 0) {
    const shown = last ? messages.slice(-MESSAGES) : messages.slice(0, MESSAGES);
    return {
      parts: shown.map((message) => ({ role: message.role, text: cut(messageText(message)) })),
      hidden: messages.length - shown.length,
    };
  }
  const rest = payload?.rest;
  if (rest === undefined || rest === null) return { parts: [], hidden: 0 };
  return { parts: [{ role: null, text: cut(typeof rest === "string" ? rest : printJson(rest)) }], hidden: 0 };
}

function messageText(message: Message): string {
  const { content } = message;
  const lines = typeof content === "string" ? [content] : (content ?? []).map(partText);
  for (const call of message.tool_calls ?? []) lines.push(`→ ${call.name}(${compact(call.arguments)})`);
  return lines.filter((line) => line !== "").join("\n");
}

function partText(part: Part): string {
  if (typeof part.text === "string") return part.text;
  if (part.type === "tool_result") return compact(part.content);
  return `[${part.type}]`;
}

const compact = (value: unknown): string => (typeof value === "string" ? value : (JSON.stringify(value) ?? ""));

const cut = (text: string): string => (text.length > CHARACTERS ? `${text.slice(0, CHARACTERS)}…` : text);
