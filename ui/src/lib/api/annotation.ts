//! Annotation queues, and the runs that wait in them.

import { queryOptions } from "@tanstack/react-query";
import { v1 } from "./langsmith";

export interface RubricItem {
  feedback_key: string;
  description?: string | null;
  /** What each label means. Without them the key's config says what can be chosen. */
  value_descriptions?: Record<string, string> | null;
  score_descriptions?: Record<string, string> | null;
  is_required?: boolean | null;
}

export interface Queue {
  id: string;
  name: string;
  description: string | null;
  rubric_instructions: string | null;
  rubric_items: RubricItem[] | null;
  default_dataset: string | null;
  created_at: string;
  updated_at: string;
}

export type QueueBody = Pick<Queue, "name" | "description" | "rubric_instructions" | "rubric_items"> & {
  default_dataset?: string | null;
};

/** A run that waits, as LangSmith's route gives it; its payload is read where all pages read it. */
export interface QueueItem {
  id: string;
  trace_id: string;
  session_id: string;
  name: string;
  queue_run_id: string;
  added_at: string;
  last_reviewed_time: string | null;
}

export interface Sizes {
  waiting: number;
  done: number;
}

const path = (id: string): string => `/annotation-queues/${encodeURIComponent(id)}`;

export const queuesQuery = () =>
  queryOptions({
    queryKey: ["queues"],
    queryFn: ({ signal }) => v1.get<Queue[]>("/annotation-queues", { query: { limit: 1000 }, signal }),
  });

export const queueQuery = (id: string) =>
  queryOptions({
    queryKey: ["queues", id],
    queryFn: ({ signal }) => v1.get<Queue>(path(id), { signal }),
  });

export const sizesQuery = (id: string) =>
  queryOptions({
    queryKey: ["queue-sizes", id],
    queryFn: async ({ signal }): Promise<Sizes> => {
      const [waiting, done] = await Promise.all(
        ["size", "total_archived"].map((name) => v1.get<{ size: number }>(`${path(id)}/${name}`, { signal })),
      );
      return { waiting: waiting.size, done: done.size };
    },
  });

/** Each item comes with the whole run. */
export const ITEMS_AT_ONCE = 20;

/** Runs of a queue that wait, the one that was added first at the front. Only an empty answer is the end: items whose
 * run was deleted are left out. */
export const fetchItems = (id: string, offset: number, signal?: AbortSignal): Promise<QueueItem[]> =>
  v1.get(`${path(id)}/runs`, { query: { status: "needs_my_review", limit: ITEMS_AT_ONCE, offset }, signal });

export const createQueue = (body: QueueBody): Promise<Queue> => v1.post("/annotation-queues", { body });
export const updateQueue = (id: string, body: QueueBody): Promise<Queue> => v1.patch(path(id), { body });
export const deleteQueue = (id: string): Promise<void> => v1.remove(path(id));

export interface RunKey {
  run_id: string;
  /** The project's id. */
  session_id?: string;
}

export const addToQueue = (id: string, runs: RunKey[]): Promise<unknown> =>
  v1.post(`${path(id)}/runs/by-key`, { body: runs });

export const setItemStatus = (item: string, status: "completed" | null): Promise<unknown> =>
  v1.post(`/annotation-queues/status/${item}`, { body: { status } });

/** Lets an item wait behind all others. */
export const skipItem = (item: string): Promise<unknown> =>
  v1.post(`/annotation-queues/status/${item}`, {
    body: { status: null, override_added_at: new Date().toISOString() },
  });
