//! Texts as they stand in one line of a table.

import { showTurns } from "./visible-text";

/** How a preview ends that the server cut. */
const CUT = "…";

/** A preview as one reads it: the text in JSON that holds one only, without the marks of Markdown. */
export const previewLine = (preview: string): string => showTurns(plainLine(textInJson(preview) ?? preview));

/** The only text in JSON, also in its beginning when that was cut inside the text; null when there are others. */
function textInJson(preview: string): string | null {
  const start = preview.trimStart();
  if (!start.startsWith("{") && !start.startsWith("[")) return null;
  const cut = start.endsWith(CUT);
  const json = cut ? closed(start.slice(0, -CUT.length)) : start;
  if (json === null) return null;
  try {
    const text = onlyText(JSON.parse(json));
    return text === null ? null : text.replaceAll(/\s+/g, " ").trim() + (cut ? CUT : "");
  } catch {
    return null;
  }
}

/** JSON that ends inside a text, with all that is open in it closed; null when it ends elsewhere. */
function closed(json: string): string | null {
  const open: string[] = [];
  let [quoted, isName] = [false, false];
  for (let at = 0; at < json.length; at++) {
    const char = json[at];
    if (quoted && char === "\\") at++;
    else if (char === '"') {
      quoted = !quoted;
      if (quoted) isName = open.at(-1) === "}" && /[{,]\s*$/.test(json.slice(0, at));
    } else if (quoted) continue;
    else if (char === "{") open.push("}");
    else if (char === "[") open.push("]");
    else if (char === "}" || char === "]") open.pop();
  }
  if (!quoted || isName) return null;
  return `${json.replace(/\\(u[\da-f]{0,3})?$/i, "")}"${open.toReversed().join("")}`;
}

/** The text in a value in which everything else is empty: `{"args": ["Hi"], "kwargs": {}}` says Hi. */
export function onlyText(value: unknown): string | null {
  const texts: string[] = [];
  const collect = (one: unknown): boolean => {
    if (one === null || one === "") return true;
    if (typeof one === "string") return texts.push(one) === 1;
    return typeof one === "object" && Object.values(one).every(collect);
  };
  return collect(value) && texts.length === 1 ? texts[0] : null;
}

/**
 * A preview without the marks of Markdown: `**Term**: 24 months` is Term: 24 months. Only marks that come in pairs or
 * begin the text go, so that `2 ** 3` and `*.ts` stay. JSON is left as it is.
 */
export function plainLine(text: string): string {
  if (/^\s*[{[]/.test(text)) return text;
  return text
    .replace(/^\s*#{1,6}\s+/, "")
    .replaceAll(/```\w*/g, "")
    .replaceAll(/`([^`]+)`/g, "$1")
    .replaceAll(/(\*\*|__)(?=\S)(.+?)(?<=\S)\1/g, "$2")
    .replaceAll(/(?<![\w*])\*(?=[^\s*])([^*]+?)(?<=[^\s*])\*(?![\w*])/g, "$1")
    .replaceAll(/!?\[([^\]]+)\]\([^)\s]*\)/g, "$1")
    .replace(/\*\*(?=\S)([^*]*)$/, "$1")
    .trim();
}

/** A model without the date of its release: `gpt-5-mini-2025-08-07` is gpt-5-mini. */
export const shortModel = (model: string): string => model.replace(/[-@](?:\d{8}|\d{4}-\d{2}-\d{2})$/, "");
