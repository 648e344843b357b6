//! Feedback on runs, and what the scores of a key mean.

import { type QueryClient, queryOptions } from "@tanstack/react-query";
import { v1 } from "./langsmith";

export interface Feedback {
  id: string;
  run_id: string | null;
  trace_id: string | null;
  /** The project. */
  session_id: string | null;
  key: string;
  score: number | boolean | null;
  value: unknown;
  comment: string | null;
  correction: unknown;
  /** ISO. */
  created_at: string;
  modified_at: string;
  feedback_source: {
    type: string;
    metadata?: { __run?: { run_id?: string } } | null;
    user_name?: string | null;
  } | null;
  /** An evaluator that failed. */
  error?: boolean | null;
}

export interface Category {
  value: number;
  label: string | null;
}

export interface FeedbackConfig {
  feedback_key: string;
  feedback_config: {
    type: "continuous" | "categorical" | "freeform";
    min?: number | null;
    max?: number | null;
    categories?: Category[] | null;
  };
  is_lower_score_better: boolean | null;
}

export interface FeedbackBody {
  id?: string;
  run_id: string;
  trace_id: string;
  session_id: string;
  key: string;
  score?: number | boolean | null;
  value?: string | null;
  comment?: string | null;
}

/** Runs that one question can name: their ids stand in the address. */
const IDS_AT_ONCE = 100;
const LIMIT = 1000;

/** All feedback on some runs, the newest first. */
export async function fetchFeedback(runIds: string[], signal?: AbortSignal): Promise<Feedback[]> {
  const found: Feedback[] = [];
  for (let at = 0; at < runIds.length; at += IDS_AT_ONCE) {
    const run = runIds.slice(at, at + IDS_AT_ONCE);
    let page: Feedback[];
    let offset = 0;
    do {
      page = await v1.get<Feedback[]>("/feedback", { query: { run, limit: LIMIT, offset }, signal });
      found.push(...page);
      offset += page.length;
    } while (page.length === LIMIT);
  }
  return found;
}

export const feedbackQuery = (runIds: string[]) =>
  queryOptions({
    queryKey: ["feedback", runIds],
    queryFn: ({ signal }) => fetchFeedback(runIds, signal),
    enabled: runIds.length > 0,
  });

/** Run ids that were made from span ids are unique within a trace only. */
export const isAbout = (feedback: Feedback, traceId: string, runId: string): boolean =>
  feedback.run_id === runId && (feedback.trace_id === null || feedback.trace_id === traceId);

export const feedbackConfigsQuery = () =>
  queryOptions({
    queryKey: ["feedback-configs"],
    queryFn: ({ signal }) => v1.get<FeedbackConfig[]>("/feedback-configs", { signal }),
    staleTime: 60_000,
  });

/** What a key means, as it is written; `null` takes nothing away, it leaves the bound open. */
export interface FeedbackConfigBody {
  feedback_key: string;
  feedback_config: FeedbackConfig["feedback_config"];
  is_lower_score_better: boolean;
}

/** Refuses a key that means something else already. */
export const createFeedbackConfig = (body: FeedbackConfigBody): Promise<FeedbackConfig> =>
  v1.post("/feedback-configs", { body });
export const updateFeedbackConfig = (body: FeedbackConfigBody): Promise<FeedbackConfig> =>
  v1.patch("/feedback-configs", { body });
export const deleteFeedbackConfig = (key: string): Promise<unknown> =>
  v1.remove("/feedback-configs", { query: { feedback_key: key } });

/** Made by hand on a page. */
const SOURCE = { type: "app", metadata: {} };

export const createFeedback = (body: FeedbackBody): Promise<Feedback> =>
  v1.post("/feedback", { body: { ...body, feedback_source: SOURCE } });

export const updateFeedback = (
  id: string,
  body: Pick<FeedbackBody, "score" | "value" | "comment">,
): Promise<Feedback> => v1.patch(`/feedback/${id}`, { body });

export const deleteFeedback = (id: string): Promise<void> => v1.remove(`/feedback/${id}`);

/** After feedback was given, changed or taken back: wherever it is shown. */
export const refreshFeedback = (client: QueryClient): Promise<unknown> =>
  Promise.all([
    client.invalidateQueries({ queryKey: ["feedback"] }),
    client.invalidateQueries({ queryKey: ["threads"] }),
    client.invalidateQueries({ queryKey: ["skeleton"] }),
  ]);
