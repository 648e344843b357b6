import type { Aggregation } from "@/lib/api/telemetry";
import { textParam, wordParam } from "@/lib/url";

export const AGGREGATIONS = ["rate", "sum", "last", "avg", "min", "max", "p50", "p95", "p99", "count"] as const;

/** What the address of the metrics holds. Absent = the default. */
export interface MetricsSearch {
  /** Name of the metric on the chart. */
  name?: string;
  t?: string;
  /** Attribute that splits the chart, or `service`. */
  by?: string;
  agg?: Aggregation;
  /** Text in names of the list. */
  find?: string;
}

export const validateMetricsSearch = (search: Record<string, unknown>): MetricsSearch => ({
  name: textParam(search.name),
  t: textParam(search.t),
  by: textParam(search.by),
  agg: wordParam(search.agg, AGGREGATIONS),
  find: textParam(search.find),
});
