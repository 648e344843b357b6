//! Taking data away: deleting, how long a project is kept, and removing from the disk.

import { queryOptions } from "@tanstack/react-query";
import { ApiError, get, post, put, remove } from "./client";

/** What a deletion took away, or would. */
export interface Deleted {
  dry_run: boolean;
  traces: number;
  runs: number;
  log_records: number;
  metric_points: number;
}

/** Null is no limit. */
export interface Limits {
  payload_days: number | null;
  run_days: number | null;
  max_bytes: number | null;
}

export type RemovedCounts = Omit<Deleted, "dry_run">;

export interface Retention extends Limits {
  disk_bytes: number;
  disk_runs: number;
  removed: { at: number; expired: RemovedCounts; displaced: RemovedCounts } | null;
}

/** How removing from the disk stands. */
export interface Purge {
  running: boolean;
  unpurged_since: number | null;
  last: {
    ended_at: number;
    error: string | null;
    removed: {
      rows_removed: number;
      rows_deleted: number;
      rows_deleted_before: number;
      bytes_removed: number;
      bytes_written: number;
      log_bytes_removed: number;
    } | null;
  } | null;
}

const of = (project: string): string => `/projects/${encodeURIComponent(project)}`;

export const deleteTrace = (traceId: string, project: string): Promise<Deleted> =>
  remove(`/traces/${traceId}`, { query: { project } });

/** How many are deleted at the same time. */
const AT_ONCE = 4;

/** Stops at the first failure; what is gone by then is gone, and a second try does not mind. */
export async function deleteTraces(traceIds: readonly string[], project: string): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < traceIds.length)
      try {
        await deleteTrace(traceIds[next++], project);
      } catch (error) {
        if (error instanceof ApiError && error.status === 404) continue;
        next = traceIds.length;
        throw error;
      }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

export interface Matching {
  filter: string;
  time: string;
}

export const deleteMatching = (project: string, matching: Matching): Promise<Deleted> =>
  post(`${of(project)}/deletions`, { body: matching });

/** What a filter and a time find, as a deletion counts it. */
export const deletionPreview = (project: string, matching: Matching) =>
  queryOptions({
    queryKey: ["deletion", project, matching],
    queryFn: ({ signal }) =>
      post<Deleted>(`${of(project)}/deletions`, { body: { ...matching, dry_run: true }, signal }),
    gcTime: 0,
    retry: false,
  });

export const deleteProject = (project: string): Promise<Deleted> => remove(of(project));

export const retentionQuery = (project: string) =>
  queryOptions({
    queryKey: ["retention", project],
    queryFn: ({ signal }) => get<Retention>(`${of(project)}/retention`, { signal }),
  });

export const putRetention = (project: string, limits: Limits): Promise<Retention> =>
  put(`${of(project)}/retention`, { body: limits });

const RUNNING_MS = 1_000;
/** Deletions elsewhere give it something to remove. */
const IDLE_MS = 10_000;

export const purgeQuery = () =>
  queryOptions({
    queryKey: ["purge"],
    queryFn: ({ signal }) => get<Purge>("/purge", { signal }),
    refetchInterval: (query) => (query.state.data?.running ? RUNNING_MS : IDLE_MS),
    staleTime: 0,
  });

export const startPurge = (): Promise<Purge> => post("/purge", { body: {} });
