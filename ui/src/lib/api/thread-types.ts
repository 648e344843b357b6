//! Conversations, as our own REST lists them.

import type { Status } from "./types";

/** A conversation, summed up from all its turns. */
export interface ThreadRow {
  thread_id: string;
  turn_count: number;
  error_count: number;
  start_time: number;
  last_time: number;
  status: Status;
  cost: string | null;
  input_cost: string | null;
  output_cost: string | null;
  unpriced_count: number;
  input_tokens: number | null;
  output_tokens: number | null;
  total_tokens: number | null;
  user_id: string | null;
  environment: string | null;
  first_trace_id: string;
  last_trace_id: string;
  first_input_preview: string | null;
  last_input_preview: string | null;
  last_output_preview: string | null;
  last_error: string | null;
}

export interface ThreadPage {
  threads: ThreadRow[];
  next_cursor: string | null;
}
