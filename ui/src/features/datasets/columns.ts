//! What a file to be imported holds, from its beginning: enough to offer its columns.

import type { Role } from "@/lib/api/datasets";

export type FileKind = "csv" | "jsonl";

export interface FileColumns {
  kind: FileKind;
  names: string[];
  /** Each line has `inputs` already: nothing has to be chosen. */
  ready: boolean;
}

const HEAD_BYTES = 256 * 1024;

export async function readColumns(file: File): Promise<FileColumns> {
  const head = await file.slice(0, HEAD_BYTES).text();
  return /\.(jsonl|ndjson)$/i.test(file.name) ? ofLines(head) : ofCsv(head);
}

export function ofLines(head: string): FileColumns {
  const line = head.split("\n").find((text) => text.trim() !== "") ?? "";
  let row: unknown;
  try {
    row = JSON.parse(line);
  } catch {
    throw new Error("The first line is no JSON object. A JSON lines file has one on each line.");
  }
  if (typeof row !== "object" || row === null || Array.isArray(row))
    throw new Error("The first line is no JSON object. A JSON lines file has one on each line.");
  return { kind: "jsonl", names: Object.keys(row), ready: "inputs" in row };
}

/** The names in the first record; quoted ones may hold commas and line breaks. */
export function ofCsv(head: string): FileColumns {
  const text = head.replace(/^\uFEFF/, "");
  const names: string[] = [];
  let [name, quoted] = ["", false];
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (quoted && char === '"' && text[at + 1] === '"') name += text[at++];
    else if (char === '"') quoted = !quoted;
    else if (!quoted && char === ",") {
      names.push(name);
      name = "";
    } else if (!quoted && (char === "\n" || char === "\r")) break;
    else name += char;
  }
  names.push(name);
  if (names.every((one) => one.trim() === ""))
    throw new Error("The file is empty. Its first line has to name the columns.");
  return { kind: "csv", names, ready: false };
}

const OUTPUTS = /^(outputs?|answers?|expected|reference|label|target|completion|response|ground[_ ]?truth)(\b|[._])/i;
const METADATA = /^(id|metadata|tags?|splits?|source|created|topic|category|difficulty|language)(\b|[._])/i;

/** What a column is likely to be, by its name. */
export function guessRole(name: string): Role {
  if (OUTPUTS.test(name)) return "output";
  return METADATA.test(name) ? "metadata" : "input";
}
