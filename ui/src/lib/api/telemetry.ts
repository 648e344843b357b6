//! Log records and metrics: their types, paths and cache keys. Written by hand until docs/openapi.json has them.

import { queryOptions } from "@tanstack/react-query";
import { get } from "./client";

export const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"] as const;
export type Level = (typeof LEVELS)[number];

/** One log record as it was sent. */
export interface LogRow {
  id: string;
  time: number;
  observed_time: number | null;
  trace_id: string | null;
  /** The run of the span that it was written in. */
  run_id: string | null;
  /** OpenTelemetry's number, 1 to 24; `level` is its range. */
  severity: number | null;
  severity_text: string | null;
  level: Level | null;
  event_name: string | null;
  body: unknown;
  attributes: Record<string, unknown>;
  resource: Record<string, unknown>;
  service: string | null;
  scope: { name: string; version: string | null } | null;
}

export interface LogPage {
  logs: LogRow[];
  next_cursor: string | null;
}

/** Something that happened inside of a run. */
export interface TraceEvent {
  run_id: string;
  time: number;
  name: string;
  attributes: Record<string, unknown>;
}

export interface TraceEventList {
  events: TraceEvent[];
  /** How many there are, with those that are left out. */
  total: number;
}

export interface LogQuery {
  t?: string;
  /** Only the record of this id. */
  id?: string;
  /** Text contained in the body or event name. */
  q?: string;
  /** At least this level. */
  severity?: Level;
  service?: string;
  trace?: string;
  order?: "newest" | "oldest";
  limit?: number;
  cursor?: string;
}

export type MetricKind = "gauge" | "sum" | "histogram" | "exponential_histogram" | "summary";
export type Aggregation = "rate" | "sum" | "last" | "avg" | "min" | "max" | "p50" | "p95" | "p99" | "count";

export interface Metric {
  name: string;
  description: string | null;
  unit: string | null;
  kind: MetricKind;
  temporality: "delta" | "cumulative" | null;
  monotonic: boolean;
  points: number;
  last_time: number;
  attribute_keys: string[];
  services: string[];
}

export interface MetricSeries {
  name: string;
  unit: string | null;
  kind: MetricKind;
  agg: Aggregation;
  from: number;
  bucket_us: number;
  /** The largest first; what is beyond 50 is added up in the last one, `(others)`. */
  series: { group: string | null; values: (number | null)[] }[];
  /** There are more points than were read; the latest are missing. */
  is_cut: boolean;
  /** Those that fit the kind; the first is the standard one. */
  aggregations: Aggregation[];
}

export interface SeriesQuery {
  name: string;
  t: string;
  group_by?: string;
  buckets: number;
  agg?: Aggregation;
}

const project = (name: string): string => `/projects/${encodeURIComponent(name)}`;

export const fetchLogs = (name: string, query: LogQuery, signal?: AbortSignal): Promise<LogPage> =>
  get(`${project(name)}/logs`, { query, signal });

export const fetchTraceLogs = (
  traceId: string,
  query: { project: string; limit?: number; cursor?: string },
  signal?: AbortSignal,
): Promise<LogPage> => get(`/traces/${traceId}/logs`, { query, signal });

export const fetchTraceEvents = (
  traceId: string,
  query: { project: string; limit?: number },
  signal?: AbortSignal,
): Promise<TraceEventList> => get(`/traces/${traceId}/events`, { query, signal });

export const metricsQuery = (name: string, t: string) =>
  queryOptions({
    queryKey: ["metrics", name, t],
    queryFn: async ({ signal }) =>
      (await get<{ metrics: Metric[] }>(`${project(name)}/metrics`, { query: { t }, signal })).metrics,
  });

export const seriesQuery = (name: string, query: SeriesQuery) =>
  queryOptions({
    queryKey: ["metric-series", name, query],
    queryFn: ({ signal }) => get<MetricSeries>(`${project(name)}/metrics/series`, { query, signal }),
  });
