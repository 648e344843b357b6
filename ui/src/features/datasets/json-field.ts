//! JSON that somebody writes by hand: read, or said where it goes wrong.

import { parseJson } from "@/lib/api/json";

export type Written = { value: Record<string, unknown> | null } | { problem: string };

/** An object; nothing at all is null. */
export function readObject(text: string): Written {
  if (text.trim() === "") return { value: null };
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    return { problem: placed(text, error instanceof Error ? error.message : String(error)) };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return { problem: 'This has to be an object, such as {"question": "…"}.' };
  return { value: value as Record<string, unknown> };
}

/** Browsers count characters, readers count lines. */
function placed(text: string, message: string): string {
  const position = /position (\d+)/.exec(message)?.[1];
  const clean = message.replace(/^JSON\.parse: /, "").replace(/,? ?(?:in JSON )?at position \d+.*$/, "");
  const at = position === undefined ? text.length : Number(position);
  const line = text.slice(0, at).split("\n").length;
  return `${clean} (line ${line})`;
}

/** Names with commas between them. */
export const readSplits = (text: string): string[] => [
  ...new Set(
    text
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== ""),
  ),
];
