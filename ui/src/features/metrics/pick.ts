//! From the text and name in the address to what is shown.

import type { Metric } from "@/lib/api/telemetry";
import { alike } from "./kinds";
import type { MetricsSearch } from "./search";

/** The group that is no attribute. */
export const SERVICE = "service";

export function matching(metrics: readonly Metric[], find: string | undefined): Metric[] {
  const words = (find ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  return metrics.filter((metric) => {
    const text = `${metric.name} ${metric.description ?? ""}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** The address of another metric: the range stays, and of the rest what fits it. */
export function searchFor(search: MetricsSearch, current: Metric | undefined, next: Metric): MetricsSearch {
  const { by, agg } = search;
  return {
    ...search,
    name: next.name,
    by: by !== undefined && groupsOf(next).includes(by) ? by : undefined,
    agg: current && alike(current.kind, next.kind) ? agg : undefined,
  };
}

/** What a metric can be split by. */
export function groupsOf(metric: Metric): string[] {
  return metric.services.length > 0
    ? [SERVICE, ...metric.attribute_keys.filter((key) => key !== SERVICE)]
    : metric.attribute_keys;
}
