//! What the chart and the table below it are made of.

import type { MetricSeries } from "@/lib/api/telemetry";

export interface Summary {
  last: number | null;
  min: number | null;
  avg: number | null;
  max: number | null;
}

/** Of the buckets that hold something. The average is that of buckets, not of values. */
export function summaryOf(values: readonly (number | null)[]): Summary {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return { last: null, min: null, avg: null, max: null };
  return {
    last: known.at(-1) ?? null,
    min: known.reduce((a, b) => Math.min(a, b)),
    max: known.reduce((a, b) => Math.max(a, b)),
    avg: known.reduce((a, b) => a + b, 0) / known.length,
  };
}

/** Middle of each bucket in seconds: what the chart has on its x axis. */
export function bucketTimes(data: Pick<MetricSeries, "from" | "bucket_us" | "series">): number[] {
  const count = data.series.reduce((most, one) => Math.max(most, one.values.length), 0);
  return Array.from({ length: count }, (_, i) => (data.from + (i + 0.5) * data.bucket_us) / 1e6);
}

/** Groups in the order of the table, largest first; what is left over comes last. */
export function bySize(series: MetricSeries["series"]): MetricSeries["series"] {
  const size = (values: readonly (number | null)[]) => summaryOf(values).avg ?? Number.NEGATIVE_INFINITY;
  const rest = (group: string | null) => (group === "(others)" ? 1 : 0);
  return series.toSorted((a, b) => rest(a.group) - rest(b.group) || size(b.values) - size(a.values));
}

/** Colours of lines, as names of tokens. With more lines than colours the stroke differs. */
export const COLOURS = ["--llm", "--tool", "--retriever", "--agent", "--guardrail", "--chain", "--embedding"];
const DASHES: (number[] | undefined)[] = [undefined, [6, 4], [2, 3], [10, 4, 2, 4]];

export const colourOf = (index: number): string => COLOURS[index % COLOURS.length];
export const dashOf = (index: number): number[] | undefined =>
  DASHES[Math.floor(index / COLOURS.length) % DASHES.length];
