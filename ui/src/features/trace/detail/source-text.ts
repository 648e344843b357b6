//! The sources of fields in words. The server names them in one line each: `gen_ai.request.model`, `span:name`,
//! `input.value#model` (a member of a payload), `rule:<name>:<attribute>`.

export interface SourceText {
  /** Said before the key. */
  lead: string;
  /** An attribute, event or rule as it is called; empty when the lead says all. */
  key: string;
}

const SPAN: Record<string, string> = {
  "span:name": "the span’s name",
  "span:status": "the span’s status",
  "span:events": "the span’s events",
  "span:kind": "the span’s kind",
};

const PREFIXES: [prefix: string, lead: string][] = [
  ["event:", "the event"],
  ["resource:", "the resource attribute"],
  ["log:", "the log record"],
  ["inputs:", "inside the input:"],
  ["outputs:", "inside the output:"],
];

export function sourceText(source: string): SourceText {
  if (SPAN[source]) return { lead: SPAN[source], key: "" };
  const rule = /^rule:([^:]*):(.*)$/s.exec(source);
  if (rule) return { lead: `the rule “${rule[1]}”, which reads`, key: rule[2] };
  for (const [prefix, lead] of PREFIXES)
    if (source.startsWith(prefix)) return { lead, key: source.slice(prefix.length) };
  if (source.startsWith("span:")) return { lead: "the span’s", key: source.slice(5) };
  const inside = /^(.+)#(.+)$/s.exec(source);
  if (inside) return { lead: `${inside[2]} inside`, key: inside[1] };
  return { lead: source.includes("*") ? "the attributes" : "the attribute", key: source };
}

/** The same on one line. */
export function sourceLine(source: string): string {
  const { lead, key } = sourceText(source);
  return key === "" ? lead : `${lead} ${key}`;
}
