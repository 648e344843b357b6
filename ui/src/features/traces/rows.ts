//! Traces and runs as one kind of row, so that the table does not care which unit it shows.

import { fetchRuns, fetchTraces } from "@/lib/api/queries";
import type { FeedbackFigures, ListQuery, RunRow, RunType, Status, TraceRow } from "@/lib/api/types";
import type { Unit } from "./search";

export interface ListRow {
  /** Trace id, or run id in the runs unit: names the row in the URL and on screen. */
  key: string;
  traceId: string;
  /** The run to show first: the root of a trace, the run itself. */
  runId: string;
  name: string;
  type: RunType;
  status: Status;
  error: string | null;
  start: number;
  latency: number | null;
  firstToken: number | null;
  cost: string | null;
  unpriced: boolean;
  inputTokens: number | null;
  outputTokens: number | null;
  tokens: number | null;
  cachedTokens: number | null;
  /** Runs of the trace and how many of them failed; null where the row is a run. */
  runs: number | null;
  errors: number;
  models: string[];
  tags: string[];
  user: string | null;
  thread: string | null;
  environment: string | null;
  service: string | null;
  input: string | null;
  output: string | null;
  orphan: boolean;
  metadata: Record<string, unknown>;
  feedback: FeedbackFigures[];
}

export interface RowPage {
  rows: ListRow[];
  next: string | null;
}

export const fromTrace = (trace: TraceRow): ListRow => ({
  key: trace.trace_id,
  traceId: trace.trace_id,
  runId: trace.root_run_id,
  name: trace.name,
  type: trace.run_type,
  status: trace.status,
  error: trace.error,
  start: trace.start_time,
  latency: trace.latency_us,
  firstToken: trace.first_token_us,
  cost: trace.cost,
  unpriced: trace.unpriced_count > 0,
  inputTokens: trace.input_tokens,
  outputTokens: trace.output_tokens,
  tokens: trace.total_tokens,
  cachedTokens: trace.cached_tokens,
  runs: trace.run_count,
  errors: trace.error_count,
  models: trace.models,
  tags: trace.tags,
  user: trace.user_id,
  thread: trace.thread_id,
  environment: trace.environment,
  service: trace.service,
  input: trace.input_preview,
  output: trace.output_preview,
  orphan: trace.orphan,
  metadata: trace.metadata ?? {},
  feedback: trace.feedback,
});

export const fromRun = (run: RunRow): ListRow => ({
  key: run.run_id,
  traceId: run.trace_id,
  runId: run.run_id,
  name: run.name,
  type: run.run_type,
  status: run.status,
  error: run.error,
  start: run.start_time,
  latency: run.latency_us,
  firstToken: run.first_token_us,
  cost: run.cost,
  unpriced: run.cost_source?.kind === "unpriced",
  inputTokens: run.input_tokens,
  outputTokens: run.output_tokens,
  tokens: run.total_tokens,
  cachedTokens: null,
  runs: null,
  errors: 0,
  models: run.model ? [run.model] : [],
  tags: run.tags,
  user: run.user_id,
  thread: run.thread_id,
  environment: run.environment,
  service: run.service,
  input: run.input_preview,
  output: run.output_preview,
  orphan: false,
  metadata: {},
  feedback: run.feedback,
});

/** One page of rows of either unit. */
export async function fetchRows(project: string, unit: Unit, query: ListQuery, signal?: AbortSignal): Promise<RowPage> {
  if (unit === "runs") {
    const page = await fetchRuns(project, query, signal);
    return { rows: page.runs.map(fromRun), next: page.next_cursor };
  }
  const page = await fetchTraces(project, query, signal);
  return { rows: page.traces.map(fromTrace), next: page.next_cursor };
}
