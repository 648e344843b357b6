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

/** A tighter limit takes data away that is there now. */
export function isTighter(next: Limits, now: Limits): boolean {
  const tighter = (a: number | null, b: number | null) => a !== null && (b === null || a < b);
  return (
    tighter(next.payload_days, now.payload_days) ||
    tighter(next.run_days, now.run_days) ||
    tighter(next.max_bytes, now.max_bytes)
  );
}
