//! Texts as they stand in one line of a table.

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
