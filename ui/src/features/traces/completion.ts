//! What the filter box offers while a term is being typed.

import type { Facet } from "@/lib/api/types";
import { quoteValue } from "@/lib/filter-text";

export interface Suggestion {
  /** The text that takes the place of the word under the cursor. */
  insert: string;
  label: string;
  hint: string;
  /** True when the term is whole after it: a blank may follow. */
  whole: boolean;
}

/** Fields of the filter language with an example of use. */
const FIELDS: readonly [name: string, hint: string][] = [
  ["status", "error, success or pending"],
  ["name", "of the root run; * matches anything"],
  ["model", "of any call: claude-*"],
  ["type", "agent, llm, tool, retriever …"],
  ["cost", "in dollars: >0.50"],
  ["input_cost", "dollars for the input: >0.10"],
  ["output_cost", "dollars for the output: >0.10"],
  ["latency", ">20s, 300ms..2s"],
  ["ttft", "time to first token: >2s"],
  ["tokens", ">10000"],
  ["input_tokens", ">8000"],
  ["output_tokens", ">2000"],
  ["input", 'words of the inputs: input:refund, input:"a phrase"'],
  ["output", "words of the outputs: output:refu*"],
  ["error", 'words of the error: error:timeout, error~"part"'],
  ["user", "user id"],
  ["thread", "thread id"],
  ["env", "environment"],
  ["service", "service name"],
  ["tag", "a tag"],
  ["provider", "openai, anthropic …"],
  ["meta", "meta.<key>:value, of numbers meta.<key>:>9 or :5..9"],
  ["has", "error, feedback, thread, user or cost"],
  ["is", "root, error, pending or unpriced"],
  ["trace", "trace id"],
  ["id", "run id"],
];

const WORDS: Record<string, readonly string[]> = {
  status: ["error", "success", "pending"],
  type: ["agent", "llm", "tool", "retriever", "embedding", "chain", "prompt", "parser"],
  has: ["error", "feedback", "thread", "user", "cost"],
  is: ["root", "error", "pending", "unpriced"],
};

/** Fields of the filter language for the names that facets have. */
export const FACET_FIELDS: Record<string, string> = { environment: "env" };
export const filterField = (facet: string): string => FACET_FIELDS[facet] ?? facet;

/** True while the last word may still become the name of a field: not the moment to search for it as text. */
export function beginsField(text: string): boolean {
  const { word } = wordAt(text, text.length);
  const name = word.replace(/^-/, "").toLowerCase();
  return name !== "" && FIELDS.some(([field]) => field.startsWith(name));
}

/** A filter that is still being typed, as it is asked: its last word may go on. */
export function whileTyping(text: string): string {
  return /(?:^|[\s(:])-?[\p{L}\p{N}][\p{L}\p{N}\p{M}_]*$/u.test(text) &&
    !/(?:^|[\s(])-?(?!(?:input|output|error|text):)[a-z_.]+:[^\s]*$/.test(text)
    ? `${text}*`
    : text;
}

/** Where the word under the cursor begins, and what it is so far. */
export function wordAt(text: string, caret: number): { start: number; word: string } {
  let quoted = false;
  let start = 0;
  for (let i = 0; i < caret; i++) {
    if (text[i] === '"') quoted = !quoted;
    else if (!quoted && /[\s(]/.test(text[i])) start = i + 1;
  }
  return { start, word: text.slice(start, caret) };
}

export function suggest(text: string, caret: number, facets: readonly Facet[], limit = 9): Suggestion[] {
  const { word } = wordAt(text, caret);
  const minus = word.startsWith("-") ? "-" : "";
  const body = word.slice(minus.length);
  const colon = body.indexOf(":");
  if (colon >= 0) return values(minus, body.slice(0, colon), body.slice(colon + 1), facets).slice(0, limit);
  const wanted = body.toLowerCase();
  return FIELDS.filter(([name]) => name.startsWith(wanted))
    .slice(0, limit)
    .map(([name, hint]) => ({
      insert: `${minus}${name}${name === "meta" ? "." : ":"}`,
      label: name,
      hint,
      whole: false,
    }));
}

function values(minus: string, field: string, typed: string, facets: readonly Facet[]): Suggestion[] {
  if (/^[<>]/.test(typed)) return [];
  const wanted = typed.replaceAll('"', "").toLowerCase();
  const counted = facets.find((facet) => filterField(facet.field) === field)?.values ?? [];
  const known = new Set(counted.map((item) => item.value));
  const all = [
    ...counted.map((item) => ({ value: item.value, hint: item.count.toLocaleString("en-US") })),
    ...(WORDS[field] ?? []).filter((value) => !known.has(value)).map((value) => ({ value, hint: "" })),
  ];
  const starts = all.filter((item) => item.value.toLowerCase().startsWith(wanted));
  const contains = all.filter((item) => !starts.includes(item) && item.value.toLowerCase().includes(wanted));
  return [...starts, ...contains]
    .filter((item) => item.value !== typed)
    .map((item) => ({
      insert: `${minus}${field}:${quoteValue(item.value)}`,
      label: item.value,
      hint: item.hint,
      whole: true,
    }));
}

/** The text after a suggestion was taken, and where the cursor then stands. */
export function accept(text: string, caret: number, chosen: Suggestion): { text: string; caret: number } {
  const { start } = wordAt(text, caret);
  const rest = text.slice(caret).replace(/^\S*/, "");
  const inserted = chosen.insert + (chosen.whole && rest === "" ? " " : "");
  return { text: text.slice(0, start) + inserted + rest, caret: start + inserted.length };
}
