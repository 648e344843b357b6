//! Links for whoever knows them: who shares what, and what is behind a link.

import { queryOptions } from "@tanstack/react-query";
import { baseUrl } from "../boot";
import { v1 } from "./langsmith";

/** What can be shared. Of a run, everything below it comes along. */
export type Shareable = { kind: "run"; id: string } | { kind: "dataset"; id: string };

const pathOf = ({ kind, id }: Shareable): string => (kind === "run" ? `/runs/${id}/share` : `/datasets/${id}/share`);

/** The page behind the token of a run or of a dataset. */
export const sharedPage = (kind: Shareable["kind"], token: string): string =>
  baseUrl(`app/public/${token}/${kind === "run" ? "r" : "d"}`).href;

interface Share {
  share_token: string;
}

export const shareKey = (what: Shareable) => ["share", what.kind, what.id];

/** The token; null where it is not shared. */
export const shareQuery = (what: Shareable) =>
  queryOptions({
    queryKey: shareKey(what),
    queryFn: async ({ signal }) => (await v1.get<Share | null>(pathOf(what), { signal }))?.share_token ?? null,
  });

export async function share(what: Shareable): Promise<string> {
  const body = what.kind === "run" ? { run_id: what.id } : { dataset_id: what.id };
  return (await v1.put<Share>(pathOf(what), { body })).share_token;
}

export const unshare = (what: Shareable): Promise<unknown> => v1.remove(pathOf(what));

/** A run as LangSmith's routes answer it. Without payloads in lists. */
export interface SharedRun {
  id: string;
  trace_id: string;
  parent_run_id: string | null;
  name: string;
  run_type: string;
  status: "success" | "error" | "pending";
  error: string | null;
  start_time: string;
  end_time: string | null;
  dotted_order: string;
  tags: string[];
  total_tokens: number | null;
  prompt_tokens: number | null;
  completion_tokens: number | null;
  total_cost: string | null;
}

export interface WholeSharedRun extends SharedRun {
  inputs: unknown;
  outputs: unknown;
  extra: { metadata?: Record<string, unknown> } & Record<string, unknown>;
  events: unknown[];
}

const LISTED = [
  "parent_run_id",
  "error",
  "end_time",
  "tags",
  "total_tokens",
  "prompt_tokens",
  "completion_tokens",
  "total_cost",
];

/** Every run behind the link, the upper ones first. */
export const sharedRunsQuery = (token: string) =>
  queryOptions({
    queryKey: ["shared-runs", token],
    queryFn: async ({ signal }) =>
      (await v1.post<{ runs: SharedRun[] }>(`/public/${token}/runs/query`, { body: { select: LISTED }, signal })).runs,
  });

export const sharedRunQuery = (token: string, id: string) =>
  queryOptions({
    queryKey: ["shared-run", token, id],
    queryFn: ({ signal }) => v1.get<WholeSharedRun>(`/public/${token}/run/${id}`, { signal }),
    structuralSharing: false,
  });

export interface SharedDataset {
  id: string;
  name: string;
  description: string | null;
  data_type: string | null;
  created_at: string;
  modified_at: string;
  example_count: number;
}

export interface SharedExample {
  id: string;
  created_at: string;
  modified_at: string;
  inputs: unknown;
  outputs: unknown;
  metadata: Record<string, unknown> | null;
}

export const sharedDatasetQuery = (token: string) =>
  queryOptions({
    queryKey: ["shared-dataset", token],
    queryFn: ({ signal }) => v1.get<SharedDataset>(`/public/${token}/datasets`, { signal }),
  });

export const EXAMPLES_A_PAGE = 100;

export const fetchSharedExamples = (token: string, offset: number, signal?: AbortSignal): Promise<SharedExample[]> =>
  v1.get(`/public/${token}/examples`, { query: { limit: EXAMPLES_A_PAGE, offset }, signal });
