//! Colouring by the Lezer parsers. Python's grammar loads only when Python is shown.

import { highlightCode, tagHighlighter, tags } from "@lezer/highlight";
import { parser as json } from "@lezer/json";

export type Kind = "property" | "string" | "number" | "keyword" | "comment";

export interface Span {
  text: string;
  kind: Kind | null;
}

export type Highlight = typeof highlight;

const KINDS = tagHighlighter([
  { tag: [tags.propertyName, tags.function(tags.variableName), tags.definition(tags.variableName)], class: "property" },
  { tag: tags.string, class: "string" },
  { tag: [tags.number, tags.bool, tags.null], class: "number" },
  {
    tag: [
      tags.keyword,
      tags.operatorKeyword,
      tags.modifier,
      tags.controlKeyword,
      tags.definitionKeyword,
      tags.moduleKeyword,
    ],
    class: "keyword",
  },
  { tag: tags.comment, class: "comment" },
]);

type Parser = typeof json;

async function parserFor(lang: string): Promise<Parser | null> {
  if (lang === "json") return json;
  if (lang === "python" || lang === "py") return (await import("@lezer/python")).parser;
  return null;
}

/** Coloured pieces of the text, or nothing when the language is not known. */
export async function highlight(code: string, lang: string): Promise<Span[] | null> {
  const parser = await parserFor(lang.toLowerCase());
  if (!parser) return null;
  const out: Span[] = [];
  highlightCode(
    code,
    parser.parse(code),
    KINDS,
    (text, kind) => out.push({ text, kind: (kind || null) as Kind | null }),
    () => out.push({ text: "\n", kind: null }),
  );
  return out;
}
