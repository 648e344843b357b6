//! Threads, and the turns of one: traces like any other.

import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { quoteValue } from "../filter-text";
import { get } from "./client";
import { fetchRuns, fetchTraces } from "./queries";
import type { RunRow, ThreadPage, TraceRow } from "./types";

export interface ThreadsQuery {
  /** A range as in `t` of other lists. */
  t: string;
  /** Words that a turn says, or the id of a thread. */
  words: string;
  user: string;
  failed: boolean;
}

const PAGE = 50;

/** Threads with a turn that is all of it, in our filter language. */
export function turnFilter({ words, user, failed }: Omit<ThreadsQuery, "t">): string | undefined {
  const terms: string[] = [];
  if (words) terms.push(`(thread:${quoteValue(words)} OR ${asWords(words)})`);
  if (user) terms.push(`user:${quoteValue(user)}`);
  if (failed) terms.push("status:error");
  return terms.length > 0 ? terms.join(" ") : undefined;
}

/** Always in quotes: what is typed is looked for, not read as a filter. */
const asWords = (text: string): string => `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;

export const threadsQuery = (project: string, { t, ...asked }: ThreadsQuery) =>
  infiniteQueryOptions({
    queryKey: ["threads", project, t, asked],
    queryFn: ({ pageParam, signal }) =>
      get<ThreadPage>(`/projects/${encodeURIComponent(project)}/threads`, {
        query: { q: turnFilter(asked), t, limit: PAGE, cursor: pageParam },
        signal,
      }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });

const TURNS_AT_ONCE = 1000;
/** More turns than these are not shown. */
export const MAX_TURNS = 5000;

export interface Turns {
  turns: TraceRow[];
  /** There are more than `MAX_TURNS`; the newest are left out. */
  cut: boolean;
}

/** All turns of a thread, the oldest first. */
export const turnsQuery = (project: string, thread: string) =>
  queryOptions({
    queryKey: ["turns", project, thread],
    queryFn: async ({ signal }): Promise<Turns> => {
      const turns: TraceRow[] = [];
      let cursor: string | undefined;
      do {
        const query = { q: `thread:${quoteValue(thread)}`, t: "all", sort: "start", limit: TURNS_AT_ONCE, cursor };
        const page = await fetchTraces(project, query, signal);
        turns.push(...page.traces);
        cursor = page.next_cursor ?? undefined;
      } while (cursor && turns.length < MAX_TURNS);
      return { turns, cut: cursor !== undefined };
    },
  });

/** The trace id of a thread's last turn. */
export async function fetchNewestTurn(project: string, thread: string): Promise<string | null> {
  const query = { q: `thread:${quoteValue(thread)}`, t: "all", sort: "-start", limit: 1 };
  return (await fetchTraces(project, query)).traces[0]?.trace_id ?? null;
}

export interface ToolRuns {
  runs: RunRow[];
  /** There are more than these. */
  cut: boolean;
}

const MAX_TOOLS = 1000;

/** The tool calls of a trace in the order in which they began. */
export const toolsQuery = (project: string, traceId: string, version: string) =>
  queryOptions({
    queryKey: ["tools", project, traceId, version],
    queryFn: async ({ signal }): Promise<ToolRuns> => {
      const query = { q: `trace:${traceId} type:tool`, t: "all", sort: "start", limit: MAX_TOOLS };
      const { runs, next_cursor } = await fetchRuns(project, query, signal);
      return { runs, cut: next_cursor !== null };
    },
    staleTime: Infinity,
    gcTime: 120_000,
  });
