//! What the rail and the chart of a thread draw: the figures of its turns, and where each stands.

import type { TraceRow } from "@/lib/api/types";
import { nanoOf } from "@/lib/format";

export interface Measure {
  /** Nano-dollars. */
  cost: number | null;
  input: number | null;
  /** Microseconds. */
  time: number | null;
}

export const measureOf = (turn: TraceRow): Measure => ({
  cost: nanoOf(turn.cost),
  input: turn.input_tokens,
  time: turn.latency_us,
});

/** The largest of each; the bars are shares of it. */
export function largest(turns: TraceRow[]): Record<keyof Measure, number> {
  const most = { cost: 0, input: 0, time: 0 };
  for (const turn of turns) {
    const { cost, input, time } = measureOf(turn);
    most.cost = Math.max(most.cost, cost ?? 0);
    most.input = Math.max(most.input, input ?? 0);
    most.time = Math.max(most.time, time ?? 0);
  }
  return most;
}

export const ROW_PX = 58;
const ERROR_PX = 36;

/** Where each row of the rail begins; one more than there are rows, the last is the height of all. */
export function offsetsOf(turns: Pick<TraceRow, "error">[]): number[] {
  const offsets = [0];
  for (const turn of turns) offsets.push(offsets[offsets.length - 1] + ROW_PX + (turn.error ? ERROR_PX : 0));
  return offsets;
}

/** Rows `first..last` that lie between two heights. */
export function rowsBetween(offsets: number[], top: number, bottom: number): [first: number, last: number] {
  const first = Math.max(0, upper(offsets, top) - 1);
  return [first, Math.min(offsets.length - 1, Math.max(first, upper(offsets, bottom)))];
}

/** The first index whose value is greater than `x`. */
function upper(sorted: number[], x: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] > x) high = middle;
    else low = middle + 1;
  }
  return low;
}

export interface Totals {
  cost: number | null;
  /** Some call in it has no price. */
  unpriced: boolean;
  tokens: number | null;
  users: string[];
  failed: number;
}

export function totalsOf(turns: TraceRow[]): Totals {
  const add = (values: (number | null)[]): number | null => {
    const known = values.filter((value) => value !== null);
    return known.length > 0 ? known.reduce((sum, value) => sum + value, 0) : null;
  };
  return {
    cost: add(turns.map((turn) => nanoOf(turn.cost))),
    unpriced: turns.some((turn) => turn.unpriced_count > 0),
    tokens: add(turns.map((turn) => turn.total_tokens)),
    users: [...new Set(turns.map((turn) => turn.user_id).filter((user) => user !== null))],
    failed: turns.filter((turn) => turn.status === "error").length,
  };
}

/** Tool calls of a turn by name, in the order in which each was first called. */
export interface Chip {
  name: string;
  count: number;
  failed: number;
}

export function chipsOf(runs: { name: string; status: string }[]): Chip[] {
  const chips = new Map<string, Chip>();
  for (const { name, status } of runs) {
    const chip = chips.get(name) ?? { name, count: 0, failed: 0 };
    chip.count++;
    if (status === "error") chip.failed++;
    chips.set(name, chip);
  }
  return [...chips.values()];
}
