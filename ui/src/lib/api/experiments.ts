//! Experiments: what ran on the examples of a dataset, with scores; and which of two answers was preferred.

import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { nanoOf } from "@/lib/format";
import { nextOffset, PAGE } from "./datasets";
import { v1 } from "./langsmith";

/** Figures of one feedback key. */
export interface FeedbackStats {
  n: number;
  avg: number | null;
  stdev: number | null;
  min: number | null;
  max: number | null;
  errors: number;
  /** How often each category was given. */
  values: Record<string, number>;
  comments: string[];
}

/** An experiment is a project with a dataset. */
export interface Experiment {
  id: string;
  name: string;
  description: string | null;
  start_time: string;
  end_time: string | null;
  extra: { metadata?: Record<string, unknown> } | null;
  reference_dataset_id: string | null;
  test_run_number: number | null;
  run_count?: number;
  /** Seconds. */
  latency_p50?: number | null;
  latency_p99?: number | null;
  total_tokens?: number | null;
  total_cost?: string | null;
  error_rate?: number | null;
  feedback_stats?: Record<string, FeedbackStats>;
  session_feedback_stats?: Record<string, FeedbackStats>;
  experiment_progress?: { expected_run_count: number | null; run_progress: number | null };
}

export interface ExperimentRun {
  id: string;
  trace_id: string;
  name: string;
  session_id: string;
  start_time: string;
  end_time: string | null;
  status: string;
  error: string | null;
  outputs: Record<string, unknown> | null;
  total_tokens: number | null;
  total_cost: string | null;
  feedback_stats: Record<string, FeedbackStats>;
}

/**
 * In billionths of a dollar; null when it is unknown. The API adds up to 0 what no run told: without a token and
 * without a cost, nothing is known.
 */
export function costOf({ total_cost, total_tokens }: Pick<Experiment, "total_cost" | "total_tokens">): number | null {
  const cost = nanoOf(total_cost);
  return cost === 0 && !total_tokens ? null : cost;
}

/** An example with what the experiments made of it. */
export interface ExampleRuns {
  id: string;
  name: string;
  inputs: Record<string, unknown>;
  outputs: Record<string, unknown> | null;
  metadata: Record<string, unknown> | null;
  runs: ExperimentRun[];
}

/** Two or more experiments whose answers somebody set against each other. */
export interface Comparison {
  id: string;
  name: string | null;
  description: string | null;
  created_at: string;
  experiments_info: { id: string; name: string | null }[];
}

/** One preference: a score of a run, in the group of those it was compared with. */
export interface Preference {
  id: string;
  run_id: string | null;
  session_id: string | null;
  key: string;
  score: number | boolean | null;
  comment: string | null;
  feedback_group_id: string | null;
}

export interface FeedbackConfig {
  feedback_key: string;
  is_lower_score_better: boolean | null;
  feedback_config: {
    type: "continuous" | "categorical" | "freeform";
    min?: number | null;
    max?: number | null;
    categories?: { value: number; label?: string | null }[] | null;
  } | null;
}

export const experimentsQuery = (dataset: string) =>
  infiniteQueryOptions({
    queryKey: ["datasets", dataset, "experiments"],
    queryFn: ({ signal, pageParam }) =>
      v1.get<Experiment[]>(`/datasets/${dataset}/experiments`, {
        query: { include_stats: true, limit: PAGE, offset: pageParam },
        signal,
      }),
    initialPageParam: 0,
    getNextPageParam: nextOffset,
  });

/** Experiments by id, in the order asked for; those that are gone are left out. */
export const experimentsByIdQuery = (ids: string[]) =>
  queryOptions({
    queryKey: ["experiments", ids],
    queryFn: async ({ signal }) => {
      const query = { id: ids, include_stats: true, limit: PAGE };
      const found = await v1.get<Experiment[]>("/sessions", { query, signal });
      return ids.flatMap((id) => found.find((experiment) => experiment.id === id) ?? []);
    },
    enabled: ids.length > 0,
  });

export const deleteExperiment = (id: string): Promise<unknown> => v1.remove(`/sessions/${id}`);

/** Examples with runs, of the version of the dataset that the first experiment ran on. An empty page ends the list. */
export const exampleRunsQuery = (dataset: string, experiments: string[]) =>
  infiniteQueryOptions({
    queryKey: ["datasets", dataset, "runs", experiments],
    queryFn: ({ signal, pageParam }) =>
      v1.post<ExampleRuns[]>(`/datasets/${dataset}/runs`, {
        body: { session_ids: experiments, limit: PAGE, offset: pageParam },
        signal,
      }),
    initialPageParam: 0,
    getNextPageParam: nextOffset,
    enabled: experiments.length > 0,
    // Megabytes that nobody changes: comparing them with what was there costs more than drawing them.
    structuralSharing: false,
    staleTime: 60_000,
    gcTime: 60_000,
  });

export const comparisonsQuery = (dataset: string) =>
  queryOptions({
    queryKey: ["datasets", dataset, "comparisons"],
    queryFn: ({ signal }) => v1.get<Comparison[]>(`/datasets/${dataset}/comparative`, { signal }),
  });

export const deleteComparison = (id: string): Promise<unknown> => v1.remove(`/datasets/${id}/comparative`);

/** All preferences of a comparison. */
export const preferencesQuery = (comparison: string | undefined) =>
  queryOptions({
    queryKey: ["preferences", comparison],
    queryFn: async ({ signal }) => {
      const limit = 1_000;
      const all: Preference[] = [];
      for (;;) {
        const query = { comparative_experiment_id: comparison, limit, offset: all.length };
        const page = await v1.get<Preference[]>("/feedback", { query, signal });
        all.push(...page);
        if (page.length < limit) return all;
      }
    },
    enabled: comparison !== undefined,
    staleTime: 60_000,
  });

export const feedbackConfigsQuery = () =>
  queryOptions({
    queryKey: ["feedback-configs"],
    queryFn: ({ signal }) => v1.get<FeedbackConfig[]>("/feedback-configs", { signal }),
    staleTime: 60_000,
  });
