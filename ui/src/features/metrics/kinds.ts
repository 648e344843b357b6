import type { MetricKind } from "@/lib/api/telemetry";

const LABELS: Record<MetricKind, string> = {
  gauge: "gauge",
  sum: "sum",
  histogram: "histogram",
  exponential_histogram: "exp. histogram",
  summary: "summary",
};

export const kindLabel = (kind: MetricKind): string => LABELS[kind];

/** True where the same aggregations fit: both kinds of histogram are read alike. */
export const alike = (a: MetricKind, b: MetricKind): boolean =>
  a.replace("exponential_", "") === b.replace("exponential_", "");
