//! Links for whoever knows them: who shares what, and what is behind a link.

import { queryOptions } from "@tanstack/react-query";
import { baseUrl } from "../boot";
import { v1, v2 } from "./langsmith";

/** What can be shared. Of a run, everything below it comes along; of a thread, all of its turns. */
export type Shareable =
  | { kind: "run"; id: string }
  | { kind: "dataset"; id: string }
  | { kind: "thread"; id: string; projectId: string };

const pathOf = ({ kind, id }: Shareable): string => `/${kind}s/${encodeURIComponent(id)}/share`;

/** The page behind the token of a run, of a thread or of a dataset. */
export const sharedPage = (kind: Shareable["kind"], token: string): string =>
  baseUrl(`app/public/${token}/${kind === "dataset" ? "d" : "r"}`).href;

interface Share {
  share_token: string | null;
}

export const shareKey = (what: Shareable) => ["share", what.kind, what.id];

/** The token; null where it is not shared. */
export const shareQuery = (what: Shareable) =>
  queryOptions({
    queryKey: shareKey(what),
    queryFn: async ({ signal }) => {
      const path = pathOf(what);
      const found =
        what.kind === "thread"
          ? await v2.get<Share>(path, { query: { project_id: what.projectId }, signal })
          : await v1.get<Share | null>(path, { signal });
      return found?.share_token ?? null;
    },
  });

export async function share(what: Shareable): Promise<string | null> {
  const path = pathOf(what);
  if (what.kind === "thread") return (await v2.post<Share>(path, { body: { project_id: what.projectId } })).share_token;
  const body = what.kind === "run" ? { run_id: what.id } : { dataset_id: what.id };
  return (await v1.put<Share>(path, { body })).share_token;
}

export const unshare = (what: Shareable): Promise<unknown> =>
  what.kind === "thread"
    ? v2.remove(pathOf(what), { query: { project_id: what.projectId }, body: { project_id: what.projectId } })
    : v1.remove(pathOf(what));

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

/** The server gives no more of what is behind a link. */
export const MAX_SHARED_RUNS = 1_000;

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
