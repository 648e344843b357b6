//! The REST contract in types. Times are microseconds since the epoch, money is decimal strings in dollars,
//! `null` means unknown.

import type { Feedback, FeedbackFigures, FeedbackMark } from "./feedback-types";

export type * from "./feedback-types";
export type * from "./thread-types";

export type Status = "pending" | "success" | "error";
export type RunType =
  | "agent"
  | "llm"
  | "tool"
  | "retriever"
  | "embedding"
  | "chain"
  | "prompt"
  | "parser"
  | "guardrail"
  | (string & {});

export interface Info {
  version: string;
  auth: "open" | "keys";
  http_url: string;
  grpc_url: string;
  workspace: { id: string; name: string };
}

export interface Project {
  id: string;
  name: string;
  created_at: number;
  last_run_at: number | null;
  trace_count: number;
}

export interface ProjectRef {
  id: string;
  name: string;
}

export interface TraceRow {
  trace_id: string;
  root_run_id: string;
  name: string;
  run_type: RunType;
  status: Status;
  error: string | null;
  start_time: number;
  latency_us: number | null;
  first_token_us: number | null;
  cost: string | null;
  input_cost: string | null;
  output_cost: string | null;
  unpriced_count: number;
  input_tokens: number | null;
  output_tokens: number | null;
  total_tokens: number | null;
  cached_tokens: number | null;
  /** Runs that are stored; a call that several of them tell of is one in the other two. */
  run_count: number;
  llm_count: number;
  error_count: number;
  models: string[];
  providers: string[];
  tags: string[];
  user_id: string | null;
  thread_id: string | null;
  environment: string | null;
  service: string | null;
  input_preview: string | null;
  output_preview: string | null;
  orphan: boolean;
  metadata: Record<string, unknown>;
  feedback: FeedbackFigures[];
}

export interface TracePage {
  traces: TraceRow[];
  next_cursor: string | null;
}

export interface RunRow {
  run_id: string;
  trace_id: string;
  parent_run_id: string | null;
  name: string;
  run_type: RunType;
  status: Status;
  error: string | null;
  start_time: number;
  latency_us: number | null;
  first_token_us: number | null;
  cost: string | null;
  input_cost: string | null;
  output_cost: string | null;
  cost_source: CostSource;
  input_tokens: number | null;
  output_tokens: number | null;
  total_tokens: number | null;
  model: string | null;
  provider: string | null;
  tags: string[];
  user_id: string | null;
  thread_id: string | null;
  environment: string | null;
  service: string | null;
  input_preview: string | null;
  output_preview: string | null;
  is_root: boolean;
  feedback: FeedbackFigures[];
}

export interface RunPage {
  runs: RunRow[];
  next_cursor: string | null;
}

export interface Histogram {
  from: number;
  to: number;
  bucket_us: number;
  ok: number[];
  error: number[];
  cost: number[];
  p95_us: (number | null)[];
}

export interface Facet {
  field: string;
  values: { value: string; count: number }[];
}

export interface Stats {
  count: number;
  double_count: number;
  error_count: number;
  cost: string;
  input_cost: string;
  output_cost: string;
  unpriced_count: number;
  input_tokens: number;
  output_tokens: number;
  total_tokens: number;
  p50_us: number | null;
  p95_us: number | null;
  p99_us: number | null;
  first_run_at: number | null;
  last_run_at: number | null;
}

/** Parameters shared by the list endpoints. */
export interface ListQuery {
  q?: string;
  t?: string;
  sort?: string;
  limit?: number;
  cursor?: string;
}

/** The whole tree of a trace without payloads: one array per column, in pre-order. */
export interface Skeleton {
  trace_id: string;
  project: ProjectRef;
  start_time: number;
  duration_us: number;
  status: Status;
  running: boolean;
  version: string;
  totals: {
    cost: string | null;
    input_cost: string | null;
    output_cost: string | null;
    input_tokens: number | null;
    output_tokens: number | null;
    total_tokens: number | null;
    cached_tokens: number | null;
    reasoning_tokens: number | null;
    run_count: number;
    error_count: number;
    unpriced_count: number;
    llm_count: number;
  };
  thread_id: string | null;
  user_id: string | null;
  environment: string | null;
  tags: string[];
  name: string;
  dict: string[];
  runs: SkeletonColumns;
  /** Only runs that have feedback are here. */
  feedback: FeedbackMark[];
}

export interface SkeletonColumns {
  id: string[];
  /** Row index of the parent, −1 for roots. */
  parent: number[];
  /** Rows whose named parent never arrived. */
  orphan: number[];
  name: number[];
  type: number[];
  /** 0 pending, 1 success, 2 error. */
  status: number[];
  start_us: number[];
  duration_us: (number | null)[];
  first_token_us: (number | null)[];
  cost: (number | null)[];
  tree_cost: (number | null)[];
  input_tokens: (number | null)[];
  output_tokens: (number | null)[];
  cached_tokens: (number | null)[];
  reasoning_tokens: (number | null)[];
  tree_tokens: number[];
  model: number[];
  error: number[];
  attempt: number[];
  billed: number[];
  unpriced: number[];
  /** Row of the run that counts, −1 for runs that count themselves. */
  double_of?: number[];
  /** 1 for HTTP and gRPC calls. */
  transport?: number[];
}

export type Axis = "time" | "cost" | "tokens";

export interface Finding {
  rule: string;
  title: string;
  text: string;
  run_id: string;
  axis: Axis;
  numbers: Record<string, unknown>;
}

export interface Verdict {
  baseline: { runs: number; p50_us: number | null; p50_cost: string | null } | null;
  findings: Finding[];
}

export type Previews = Record<string, { input: string | null; output: string | null }>;

export interface Part {
  type: string;
  text?: string;
  url?: string;
  data?: string;
  mime_type?: string;
  tool_call_id?: string;
  content?: unknown;
  [key: string]: unknown;
}

export interface ToolCall {
  id: string | null;
  name: string;
  arguments: unknown;
}

export interface Message {
  role: string;
  content: string | Part[] | null;
  name?: string | null;
  tool_calls?: ToolCall[];
  tool_call_id?: string | null;
  finish_reason?: string | null;
}

export interface Payload {
  messages: Message[];
  rest: unknown;
}

export interface RetrievedDocument {
  page_content: string;
  metadata?: Record<string, unknown>;
  id?: string | null;
  score?: number | null;
}

export type CostSource =
  | { kind: "priced"; price_id: string }
  | { kind: "reported" }
  | { kind: "unpriced"; reason: string }
  | { kind: "none" };

export interface Cost {
  input: string | null;
  output: string | null;
  total: string | null;
  details: Record<string, string>;
  source: CostSource;
}

export interface Usage {
  input_tokens: number | null;
  output_tokens: number | null;
  total_tokens: number | null;
  input_details: Record<string, number>;
  output_details: Record<string, number>;
}

/** A run with everything that was sent for it. */
export interface Run {
  run_id: string;
  trace_id: string;
  parent_run_id: string | null;
  project: ProjectRef;
  span_id: string | null;
  name: string;
  run_type: RunType;
  status: Status;
  error: string | null;
  error_type: string | null;
  start_time: number;
  end_time: number | null;
  first_token_time: number | null;
  latency_us: number | null;
  inputs: Payload;
  outputs: Payload;
  /** Leading input messages that the previous call of the same parent had already sent. */
  shared_prefix: number;
  invocation_params: Record<string, unknown> | null;
  model: string | null;
  provider: string | null;
  usage: Usage | null;
  cost: Cost | null;
  thread_id: string | null;
  user_id: string | null;
  tags: string[];
  metadata: Record<string, unknown>;
  attributes: Record<string, unknown>;
  resource: Record<string, unknown>;
  events: { time: number; name: string; attributes: Record<string, unknown> }[];
  links: { trace_id: string; span_id: string; attributes: Record<string, unknown> }[];
  service: string | null;
  release: string | null;
  environment: string | null;
  dialect: string | null;
  scope: { name: string; version: string | null } | null;
  issues: { kind: string; field: string; message: string }[];
  /** Field → source, as `gen_ai.request.model`, `span:name` or `rule:<name>:<attribute>`. */
  sources?: Record<string, string>;
  /** The run that counts, when this one reports the same call once more. */
  double_of?: string | null;
  /** Runs that report the call of this one again. */
  doubles?: string[];
  is_transport?: boolean;
  dotted_order: string | null;
  received_at: number | null;
  /** The newest first. */
  feedback: Feedback[];
}

export interface Demo {
  project: string;
  trace_ids: string[];
  featured_trace_id: string;
}

export interface Diagnostic {
  time: number;
  protocol: string;
  path: string;
  status: number;
  reason: string;
  hint: string | null;
}
