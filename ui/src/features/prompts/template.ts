//! The text of a template: which stretches are variables, which are signs of the template's language.

export type TemplateFormat = "f-string" | "mustache" | "jinja2" | "none";

export interface Segment {
  text: string;
  /** `escape`: braces that stand for themselves. `logic`: sections, loops, comments. */
  kind: "text" | "variable" | "escape" | "logic";
  /** Of a variable, and of a section that needs one. */
  name?: string;
}

const PATTERNS: Record<Exclude<TemplateFormat, "none">, RegExp> = {
  "f-string": /\{\{|\}\}|\{([^{}]*)\}/g,
  mustache: /\{\{\{([^{}]*)\}\}\}|\{\{([^{}]*)\}\}/g,
  jinja2: /\{\{-?([\s\S]*?)-?\}\}|\{%[\s\S]*?%\}|\{#[\s\S]*?#\}/g,
};

export const formatOf = (value: unknown): TemplateFormat =>
  value === "mustache" || value === "jinja2" || value === "none" ? value : "f-string";

export function segmentsOf(text: string, format: TemplateFormat): Segment[] {
  if (format === "none") return text === "" ? [] : [{ text, kind: "text" }];
  const segments: Segment[] = [];
  let end = 0;
  for (const match of text.matchAll(PATTERNS[format])) {
    if (match.index > end) segments.push({ text: text.slice(end, match.index), kind: "text" });
    segments.push(readMatch(match, format));
    end = match.index + match[0].length;
  }
  if (end < text.length) segments.push({ text: text.slice(end), kind: "text" });
  return segments;
}

function readMatch(match: RegExpMatchArray, format: TemplateFormat): Segment {
  const [text] = match;
  const inner = (match[1] ?? match[2] ?? "").trim();
  if (format === "f-string") {
    if (text === "{{" || text === "}}") return { text, kind: "escape" };
    // `{name!r}`, `{name:>10}`, `{user.name}` and `{list[0]}` need the name.
    const name = /^[^!:.[]*/.exec(inner)?.[0] ?? "";
    return { text, kind: "variable", name };
  }
  if (format === "mustache") {
    const sign = /^[#^/!>&]/.exec(inner)?.[0];
    const name = inner
      .slice(sign ? 1 : 0)
      .trim()
      .split(".")[0];
    if (!sign || sign === "&") return { text, kind: "variable", name };
    return sign === "#" || sign === "^" ? { text, kind: "logic", name } : { text, kind: "logic" };
  }
  if (!text.startsWith("{{")) return { text, kind: "logic" };
  return { text, kind: "variable", name: /^[\p{L}_][\p{L}\p{N}_]*/u.exec(inner)?.[0] ?? "" };
}

/** Names of the variables, each once, in the order of the text. Names inside of a section belong to it. */
export function variablesOf(text: string, format: TemplateFormat): string[] {
  const names: string[] = [];
  const open: string[] = [];
  for (const { kind, name, text: sign } of segmentsOf(text, format)) {
    if (kind === "logic" && /^\{\{\s*\//.test(sign)) open.pop();
    if (!name || kind === "text") continue;
    if (open.length === 0 && name !== "" && !names.includes(name)) names.push(name);
    if (kind === "logic" && /^\{\{\s*#/.test(sign)) open.push(name);
    else if (kind === "logic") open.push("");
  }
  return names;
}
