//! How log records read in one line.

import type { Level, LogRow } from "./api/telemetry";
import { BigNumber, printJson } from "./api/json";
import { showTurns } from "./visible-text";

/** A line is cut here: no window is wider. */
const LINE_CHARS = 600;

/** Any value as text: text as it is, anything else as JSON. */
export function valueText(value: unknown, indent = 0): string {
  if (typeof value === "string") return value;
  if (value instanceof BigNumber) return value.digits;
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? printJson(value, indent) : String(value);
}

/** One line of what a record says; of its attributes when it has no body. */
export function lineOf(record: Pick<LogRow, "body" | "attributes">): string {
  const body = showTurns(oneLine(valueText(record.body)));
  if (body !== "") return body;
  const pairs = Object.entries(record.attributes).map(([key, value]) => `${key}=${oneLine(valueText(value), 120)}`);
  return showTurns(pairs.join(" ").slice(0, LINE_CHARS));
}

/** Line breaks and runs of blanks become one blank. */
export function oneLine(text: string, chars = LINE_CHARS): string {
  return text
    .slice(0, chars * 2)
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, chars);
}

const NUMBERS: Record<Level, number> = { trace: 1, debug: 5, info: 9, warn: 13, error: 17, fatal: 21 };

/** The least severity number of a level. */
export const severityOf = (level: Level): number => NUMBERS[level];

/** True when a level is at least another; records without a level are below all. */
export const atLeast = (level: Level | null, least: Level): boolean =>
  level !== null && NUMBERS[level] >= NUMBERS[least];
