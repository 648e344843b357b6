//! Values of metrics in their unit (UCUM codes, as OpenTelemetry writes them).

import type { Aggregation } from "@/lib/api/telemetry";
import { formatBytes, formatDuration, formatInt, UNKNOWN } from "@/lib/format";

/** Microseconds per unit of time. */
const TIMES: Record<string, number> = { d: 86_400e6, h: 3600e6, min: 60e6, s: 1e6, ms: 1e3, us: 1, ns: 1e-3 };
const BYTES: Record<string, number> = {
  By: 1,
  kBy: 1e3,
  MBy: 1e6,
  GBy: 1e9,
  KiBy: 1024,
  MiBy: 1024 ** 2,
  GiBy: 1024 ** 3,
};

/** `12`, `4.8k`, `0.0123`: three digits that count. */
export function formatNumber(value: number): string {
  const abs = Math.abs(value);
  const sign = value < 0 ? "−" : "";
  if (abs >= 999_500) {
    const [size, letter] = abs >= 999_500_000 ? [1e9, "B"] : [1e6, "M"];
    return `${sign}${short(abs / size)}${letter}`;
  }
  if (abs >= 9_995) return `${sign}${short(abs / 1000)}k`;
  if (abs >= 100) return `${sign}${formatInt(Math.round(abs))}`;
  return `${sign}${abs === 0 ? 0 : short(abs)}`;
}

const short = (abs: number): string => String(Number(abs.toPrecision(3)));

/** What one number of a chart means: a rate is per second, a count has no unit. */
export function measure(value: number | null | undefined, unit: string | null, agg: Aggregation): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return UNKNOWN;
  if (agg === "count") return formatNumber(value);
  const text = inUnit(value, unit);
  return agg === "rate" ? `${text}/s` : text;
}

function inUnit(value: number, unit: string | null): string {
  if (unit === null || unit === "" || unit === "1") return formatNumber(value);
  if (TIMES[unit] !== undefined) {
    const us = value * TIMES[unit];
    // Below a microsecond, and below zero, the usual way of writing durations has nothing to say.
    return us >= 1 ? formatDuration(us) : `${formatNumber(value)} ${unit}`;
  }
  if (BYTES[unit] !== undefined && value >= 0) return value === 0 ? "0 B" : formatBytes(round(value * BYTES[unit]));
  if (unit === "%") return `${formatNumber(value)}%`;
  if (unit === "USD" || unit === "{USD}" || unit === "$") return `$${formatNumber(value)}`;
  return formatNumber(value);
}

const round = (bytes: number): number => (bytes < 1000 ? Math.round(bytes) : bytes);

/** The unit in words, for the head of a chart: `tokens`, `seconds`; nothing for pure numbers. */
export function unitWord(unit: string | null): string | null {
  if (unit === null || unit === "" || unit === "1") return null;
  const annotation = /^\{(.+)\}$/.exec(unit);
  if (annotation) return annotation[1].endsWith("s") ? annotation[1] : `${annotation[1]}s`;
  return WORDS[unit] ?? unit;
}

const WORDS: Record<string, string> = {
  d: "days",
  h: "hours",
  min: "minutes",
  s: "seconds",
  ms: "milliseconds",
  us: "microseconds",
  ns: "nanoseconds",
  By: "bytes",
  "%": "percent",
};

const LABELS: Record<Aggregation, string> = {
  rate: "Rate",
  sum: "Sum",
  last: "Last",
  avg: "Average",
  min: "Min",
  max: "Max",
  p50: "p50",
  p95: "p95",
  p99: "p99",
  count: "Count",
};

export const aggLabel = (agg: Aggregation): string => LABELS[agg];

/** What the chart shows, in words: `Average in seconds`, `tokens per second`. */
export function chartTitle(agg: Aggregation, unit: string | null): string {
  const word = unitWord(unit);
  if (agg === "rate") return word ? `${capital(word)} per second` : "Per second";
  if (agg === "count") return "Number of values";
  if (agg === "sum") return word ? `Sum of ${word}` : "Sum";
  return word ? `${LABELS[agg]} in ${word}` : LABELS[agg];
}

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
