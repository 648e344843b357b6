//! The three x axes: time, cost and tokens.

import type { Axis } from "@/lib/api/types";
import { formatCost, formatDuration, formatTokens } from "@/lib/format";
import type { TraceModel } from "./types";

export type Window = [from: number, to: number];

/** Where a node begins and ends on the axis. */
export function startOn(t: TraceModel, axis: Axis, i: number): number {
  return axis === "time" ? t.start[i] : axis === "cost" ? t.costAt[i] : t.tokensAt[i];
}

export function amountOn(t: TraceModel, axis: Axis, i: number): number {
  if (axis === "time") return t.end[i] - t.start[i];
  const amount = axis === "cost" ? t.cost[i] : t.tokens[i];
  return Number.isNaN(amount) ? 0 : amount;
}

export const axisMax = (t: TraceModel, axis: Axis): number =>
  (axis === "time" ? t.totals.duration : axis === "cost" ? t.totals.cost : t.totals.tokens) || 1;

export const formatOn = (axis: Axis, x: number): string =>
  axis === "time" ? formatDuration(x) : axis === "cost" ? formatCost(x) : formatTokens(Math.round(x));

/** Keeps a window inside the axis and above a millionth of it. */
export function clampWindow([from, to]: Window, max: number): Window {
  const width = Math.min(max, Math.max(to - from, max / 1e6));
  const start = Math.min(Math.max(0, from), max - width);
  return [start, start + width];
}

/** `from-to` for the URL; nothing when the whole axis is shown. */
export function printWindow([from, to]: Window, max: number): string | undefined {
  return from <= 0 && to >= max * 0.9999 ? undefined : `${Math.round(from)}-${Math.round(to)}`;
}

export function parseWindow(text: string | undefined, max: number): Window {
  const match = /^(\d+)-(\d+)$/.exec(text ?? "");
  if (!match || Number(match[2]) <= Number(match[1])) return [0, max];
  return clampWindow([Number(match[1]), Number(match[2])], max);
}

export interface Tick {
  /** Share of the window, 0 to 1. */
  x: number;
  label: string;
}

const TICK_PX = 110;
const SECOND = 1e6;
// Above a second people count in 60s, not in tens.
const TIME_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400].map(
  (s) => s * SECOND,
);

function tickStep(raw: number, axis: Axis): number {
  if (axis === "time" && raw > SECOND) return TIME_STEPS.find((step) => step >= raw) ?? 86_400 * SECOND;
  const magnitude = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * magnitude).find((candidate) => candidate >= raw) ?? magnitude * 10;
  // Tokens and microseconds are whole.
  return axis === "cost" ? step : Math.max(1, step);
}

export function axisTicks([from, to]: Window, axis: Axis, widthPx: number): Tick[] {
  const span = to - from;
  if (!(span > 0) || widthPx <= 0) return [];
  const step = tickStep(span / Math.max(2, Math.floor(widthPx / TICK_PX)), axis);
  const first = Math.ceil(from / step) * step;
  const ticks: Tick[] = [];
  for (let v = first; v <= to && ticks.length < 40; v += step)
    ticks.push({ x: (v - from) / span, label: tickLabel(v, step, first, axis) });
  return ticks;
}

/** `30.00 s` on an axis is `30 s`. */
const trim = (text: string): string => text.replace(/\.0+(?= )|(?<=\.\d)0(?= )/, "");

function tickLabel(v: number, step: number, first: number, axis: Axis): string {
  if (v === 0) return axis === "cost" ? "$0" : "0";
  if (axis === "time") {
    // Deep in a long trace the full time repeats on every tick; the difference is what one reads.
    const relative = v > 60 * SECOND && step < SECOND && v > first;
    return trim(relative ? `+${formatDuration(v - first)}` : formatDuration(v));
  }
  if (axis === "tokens") return v > 1e6 && step < 10_000 ? `${(v / 1e6).toFixed(3)}M` : formatTokens(Math.round(v));
  const dollars = v / 1e9;
  const decimals = Math.min(9, Math.max(0, Math.ceil(-Math.log10(step / 1e9) - 1e-9)));
  return `$${dollars.toFixed(decimals === 1 ? 2 : decimals)}`;
}
