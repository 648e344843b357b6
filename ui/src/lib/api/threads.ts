//! Threads: the list comes from LangSmith's route, the turns of one thread are traces like any other.

import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { quoteValue } from "../filter-text";
import { rangeSpan } from "../time-range";
import { v2 } from "./langsmith";
import { fetchRuns, fetchTraces } from "./queries";
import type { RunRow, TraceRow } from "./types";

/** Times are ISO texts, costs dollars. The figures are those of the turns that were asked for. */
export interface ThreadRow {
  thread_id: string;
  count: number;
  first_trace_id: string;
  last_trace_id: string;
  first_inputs: string | null;
  last_outputs: string | null;
  last_error: string | null;
  min_start_time: string;
  max_start_time: string;
  latency_p50: number | null;
  num_errored_turns: number;
  total_tokens: number;
  total_cost: number | null;
  feedback_stats: Record<string, { n: number; avg: number | null }>;
}

interface ThreadPage {
  items: ThreadRow[];
  next_cursor: string | null;
}

export interface ThreadsQuery {
  /** A range as in `t` of other lists. */
  range: string;
  /** Words that a turn says, or the id of a thread. */
  words: string;
  user: string;
  failed: boolean;
}

const PAGE = 50;
/** Where "all time" begins: the route looks at the last day unless it is told otherwise. */
const EVER = "1970-01-01T00:00:00Z";

const isoOf = (us: number): string => new Date(us / 1000).toISOString();
const literal = (text: string): string => JSON.stringify(text);

/** What LangSmith's filter language says for it. */
export function turnFilter({ words, user }: Pick<ThreadsQuery, "words" | "user">): string | undefined {
  const terms: string[] = [];
  if (words) terms.push(`or(eq(thread_id, ${literal(words)}), search(${literal(words)}))`);
  if (user) terms.push(`and(eq(metadata_key, "user_id"), eq(metadata_value, ${literal(user)}))`);
  return terms.length > 1 ? `and(${terms.join(", ")})` : terms[0];
}

export const threadsQuery = (projectId: string | undefined, asked: ThreadsQuery) =>
  infiniteQueryOptions({
    queryKey: ["threads", projectId, asked],
    enabled: projectId !== undefined,
    queryFn: ({ pageParam, signal }) => {
      const { from, to } = rangeSpan(asked.range);
      return v2.post<ThreadPage>("/threads/query", {
        signal,
        body: {
          project_id: projectId,
          page_size: PAGE,
          cursor: pageParam,
          min_start_time: from === null ? EVER : isoOf(from),
          // Until now is until now: a turn that begins while the list is read belongs to it.
          max_start_time: to === null || !asked.range.includes("..") ? undefined : isoOf(to),
          filter: turnFilter(asked),
          thread_filter: asked.failed ? "gt(num_errored_turns, 0)" : undefined,
        },
      });
    },
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
