//! What a trace said: its log records and the events of its spans.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { fetchTraceEvents, fetchTraceLogs, type LogRow } from "@/lib/api/telemetry";
import type { TraceModel } from "../model/types";
import { byRun, type SpanEvents } from "./items";

const PAGE_ROWS = 1000;
/** A trace with more records is better read in the project's logs. */
export const MAX_RECORDS = 20_000;
/** While a trace runs, records come without a word from the server. */
const AGAIN_MS = 3_000;

export interface TraceLogs {
  logs: LogRow[];
  /** There are more records than are shown. */
  cut: boolean;
  pending: boolean;
  error: unknown;
  retry: () => void;
}

export function useTraceLogs(t: TraceModel): TraceLogs {
  const { trace_id: traceId, project, version, running } = t.skeleton;
  const query = useQuery({
    queryKey: ["trace-logs", traceId, project.name, version],
    queryFn: async ({ signal }) => {
      const logs: LogRow[] = [];
      let cursor: string | undefined;
      do {
        const page = await fetchTraceLogs(traceId, { project: project.name, limit: PAGE_ROWS, cursor }, signal);
        logs.push(...page.logs);
        cursor = page.next_cursor ?? undefined;
      } while (cursor !== undefined && logs.length < MAX_RECORDS);
      return { logs, cut: cursor !== undefined };
    },
    placeholderData: keepPreviousData,
    refetchInterval: running ? AGAIN_MS : false,
    structuralSharing: false,
  });
  return {
    logs: useMemo(() => query.data?.logs ?? [], [query.data]),
    cut: query.data?.cut ?? false,
    pending: query.isPending,
    error: query.error,
    retry: () => void query.refetch(),
  };
}

export interface TraceEvents {
  events: SpanEvents;
  /** There are more events than are shown. */
  cut: boolean;
  pending: boolean;
}

const NONE: SpanEvents = new Map();

/** What happened inside of the runs, by run. */
export function useTraceEvents(t: TraceModel): TraceEvents {
  const { trace_id: traceId, project, version, running } = t.skeleton;
  const query = useQuery({
    queryKey: ["trace-events", traceId, project.name, version],
    queryFn: ({ signal }) => fetchTraceEvents(traceId, { project: project.name, limit: MAX_RECORDS }, signal),
    placeholderData: keepPreviousData,
    refetchInterval: running ? AGAIN_MS : false,
    structuralSharing: false,
  });
  const { data } = query;
  return {
    events: useMemo(() => (data ? byRun(data.events) : NONE), [data]),
    cut: data !== undefined && data.total > data.events.length,
    pending: query.isPending,
  };
}
