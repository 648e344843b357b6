//! What people type as limits, and what the server takes.

import type { Limits } from "@/lib/api/deletion";

/** The three inputs. Empty is no limit. */
export interface Draft {
  payloadDays: string;
  runDays: string;
  maxGigabytes: string;
}

const GB = 1_000_000_000;

export const draftOf = (limits: Limits): Draft => ({
  payloadDays: limits.payload_days === null ? "" : String(limits.payload_days),
  runDays: limits.run_days === null ? "" : String(limits.run_days),
  maxGigabytes: limits.max_bytes === null ? "" : String(limits.max_bytes / GB),
});

/** A whole number of days of at least one; `null` for no limit, `undefined` for what is neither. */
function parseDays(text: string): number | null | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return null;
  return /^[1-9][0-9]{0,5}$/.test(trimmed) ? Number(trimmed) : undefined;
}

function parseGigabytes(text: string): number | null | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return null;
  if (!/^[0-9]{1,6}(\.[0-9]{1,9})?$/.test(trimmed)) return undefined;
  const bytes = Math.round(Number(trimmed) * GB);
  return bytes >= 1 ? bytes : undefined;
}

export interface Parsed {
  limits: Limits;
  /** The inputs that cannot be read. */
  wrong: Set<keyof Draft>;
}

export function parseDraft(draft: Draft): Parsed {
  const payload = parseDays(draft.payloadDays);
  const run = parseDays(draft.runDays);
  const bytes = parseGigabytes(draft.maxGigabytes);
  const wrong = new Set<keyof Draft>();
  if (payload === undefined) wrong.add("payloadDays");
  if (run === undefined) wrong.add("runDays");
  if (bytes === undefined) wrong.add("maxGigabytes");
  return { limits: { payload_days: payload ?? null, run_days: run ?? null, max_bytes: bytes ?? null }, wrong };
}

export const isSame = (a: Limits, b: Limits): boolean =>
  a.payload_days === b.payload_days && a.run_days === b.run_days && a.max_bytes === b.max_bytes;

/** A limit takes more away than the one before. */
const isLess = (next: number | null, now: number | null): boolean => next !== null && (now === null || next < now);

/** A tighter limit takes data away that is there now. */
export const isTighter = (next: Limits, now: Limits): boolean =>
  isLess(next.payload_days, now.payload_days) ||
  isLess(next.run_days, now.run_days) ||
  isLess(next.max_bytes, now.max_bytes);

/** What the new limits take away, and when: runs are looked at every few minutes, payloads once a day. */
export function lossText(project: string, next: Limits, now: Limits): string {
  const runs = isLess(next.run_days, now.run_days) || isLess(next.max_bytes, now.max_bytes);
  const lost = [
    runs ? "whole runs within some minutes" : "",
    isLess(next.payload_days, now.payload_days) ? "payloads within a day" : "",
  ].filter(Boolean);
  const byAge = isLess(next.payload_days, now.payload_days) || isLess(next.run_days, now.run_days);
  return [
    `${project} loses what is beyond the new limits: ${lost.join(", ")}; and from then on whatever reaches them.`,
    byAge ? "The age counts from when the server received a run or last heard of its trace." : "",
    "This cannot be undone.",
  ]
    .filter(Boolean)
    .join(" ");
}
