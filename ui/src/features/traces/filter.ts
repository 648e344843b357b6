//! Filter text as the pieces that the bar shows as chips and that facets switch. The server parses and checks the
//! language; here it is only cut into its top-level terms, so unknown syntax passes through untouched.

import { quoteValue } from "@/lib/filter-text";

/** One top-level term: `-model:gpt-5*`, `(tag:a OR tag:b)`, `"two words"`, `any(type:tool is:error)`. */
export interface Term {
  text: string;
  /** Set for a plain `field:value` or a group of alternatives of one field; else the term is opaque. */
  field: string | null;
  values: string[];
  negated: boolean;
}

const unquote = (text: string): string =>
  text.startsWith('"') && text.endsWith('"') && text.length > 1 ? text.slice(1, -1).replace(/\\(["\\])/g, "$1") : text;

/** Where the regular expression that begins here ends: behind its second slash, or nowhere yet. */
function patternEnd(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === "/") return i + 1;
  }
  return text.length + 1;
}

/** A slash begins a regular expression where a word to search for could begin. */
const beginsPattern = (before: string): boolean =>
  /(?:^|[\s(])-?(?:(?:input|output|inputs|outputs|error|text):)?$/.test(before);

/** Cuts at blanks outside quotes, regular expressions and parentheses. */
function words(text: string): string[] {
  const found: string[] = [];
  let current = "";
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const ch = text[i];
    if (quoted) {
      if (ch === "\\" && i + 1 < text.length) {
        current += ch + text[++i];
        continue;
      }
      if (ch === '"') quoted = false;
    } else if (ch === "/" && beginsPattern(text.slice(0, i))) {
      const end = patternEnd(text, i);
      current += text.slice(i, end);
      i = end - 1;
      continue;
    } else if (ch === '"') quoted = true;
    else if (ch === "(") depth++;
    else if (ch === ")") depth = Math.max(0, depth - 1);
    else if (/\s/.test(ch) && depth === 0) {
      if (current !== "") found.push(current);
      current = "";
      continue;
    }
    current += ch;
  }
  if (current !== "") found.push(current);
  return found;
}

/** The top-level AND terms. Alternatives that stand without parentheses bind looser than AND: then all is one term. */
export function splitTerms(text: string): Term[] {
  const parts = words(text);
  if (parts.includes("OR")) return [termOf(parts.join(" "), parts)];
  return parts.map((part) => termOf(part));
}

/** A word between two terms that looks as if it should join them; the language knows OR and AND in capitals only. */
export function wordLikeJoiner(text: string): "or" | "and" | null {
  const parts = words(text);
  const isJoiner = (part: string, at: number) =>
    at > 0 && at < parts.length - 1 && /^(?:or|and)$/i.test(part) && part !== part.toUpperCase();
  const found = parts.find(isJoiner);
  if (found !== undefined) return found.toLowerCase() as "or" | "and";
  const groups = parts.map((part) => /^-?(?:any|root)?\((.*)\)$/s.exec(part)?.[1] ?? "");
  return groups.map((group) => (group === "" ? null : wordLikeJoiner(group))).find((inner) => inner !== null) ?? null;
}

export const joinTerms = (terms: readonly Pick<Term, "text">[]): string =>
  terms
    .map((term) => (terms.length > 1 && words(term.text).includes("OR") ? `(${term.text})` : term.text))
    .filter((part) => part !== "")
    .join(" ");

const PLAIN = /^(-?)([a-z_]+(?:\.[^\s:"()]+)?):(.+)$/s;

function termOf(text: string, alternatives?: string[]): Term {
  const opaque: Term = { text, field: null, values: [], negated: false };
  const inner = alternatives ?? groupOf(text);
  if (inner) return alternativesOf(inner, text) ?? opaque;
  const match = PLAIN.exec(text);
  if (!match) return opaque;
  const [, minus, field, value] = match;
  // Comparisons and globs are no single value that a facet could hold.
  if (
    /^[<>~]/.test(value) ||
    (value.startsWith("/") && beginsPattern(`${field}:`)) ||
    (!value.startsWith('"') && /\*|\.\.|[()]/.test(value))
  )
    return opaque;
  return { text, field, values: [unquote(value)], negated: minus === "-" };
}

function groupOf(text: string): string[] | null {
  return text.startsWith("(") && text.endsWith(")") ? words(text.slice(1, -1)) : null;
}

/** `a:1 OR a:2` as one term with two values. */
function alternativesOf(parts: string[], text: string): Term | null {
  if (parts.length % 2 === 0 || parts.some((part, i) => (i % 2 === 1) !== (part === "OR"))) return null;
  const terms = parts.filter((_, i) => i % 2 === 0).map((part) => termOf(part));
  const field = terms[0]?.field ?? null;
  if (field === null || terms.some((term) => term.field !== field || term.negated)) return null;
  return { text, field, values: terms.flatMap((term) => term.values), negated: false };
}

/** `model:a`, or `(model:a OR model:b)` for several. */
export function termText(field: string, values: readonly string[], negated = false): string {
  const parts = values.map((value) => `${negated ? "-" : ""}${field}:${quoteValue(value)}`);
  return parts.length > 1 && !negated ? `(${parts.join(" OR ")})` : parts.join(" ");
}

/** What a click on a value does: it alone (again: off), it too, or not it (again: off). */
export type PickMode = "only" | "add" | "exclude";

/** The filter after a value was picked in a facet, a cell or a menu. */
export function pickValue(filter: string, field: string, value: string, how: PickMode): string {
  const terms = splitTerms(filter);
  const wanted = terms.filter((term) => term.field === field && !term.negated);
  const unwanted = terms.filter((term) => term.field === field && term.negated && term.values[0] === value);
  const chosen = wanted.flatMap((term) => term.values);
  const rest = terms.filter((term) => !wanted.includes(term) && !unwanted.includes(term));
  if (how === "exclude") {
    const kept = chosen.filter((other) => other !== value);
    const after = kept.length > 0 ? [...rest, { text: termText(field, kept) }] : rest;
    return joinTerms(unwanted.length > 0 ? after : [...after, { text: termText(field, [value], true) }]);
  }
  let next: string[];
  if (how === "add") next = chosen.includes(value) ? chosen.filter((other) => other !== value) : [...chosen, value];
  else next = chosen.length === 1 && chosen[0] === value ? [] : [value];
  return joinTerms(next.length > 0 ? [...rest, { text: termText(field, next) }] : rest);
}

/** How a filter stands to one value of a field. */
export function pickedState(terms: readonly Term[], field: string, value: string): "wanted" | "excluded" | null {
  for (const term of terms)
    if (term.field === field && term.values.includes(value)) return term.negated ? "excluded" : "wanted";
  return null;
}

/** False while a term is still being typed: an open quote, parenthesis or pattern, or a field without its value. */
export function isComplete(text: string): boolean {
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const ch = text[i];
    if (quoted) {
      if (ch === "\\") i++;
      else if (ch === '"') quoted = false;
    } else if (ch === "/" && beginsPattern(text.slice(0, i))) {
      const end = patternEnd(text, i);
      if (end > text.length) return false;
      i = end - 1;
    } else if (ch === '"') quoted = true;
    else if (ch === "(") depth++;
    else if (ch === ")") depth--;
  }
  return !quoted && depth === 0 && !/(?:^|[\s(])-?[a-z_]+(?:\.[^\s:"()]*)?(?::[<>]?=?|~)$|(?:^|\s)(?:-|OR)$/.test(text);
}
