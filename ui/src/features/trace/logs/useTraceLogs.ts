//! What a trace said: its log records in one go, and the events of its spans bit by bit.

import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { fetchTraceLogs, type LogRow } from "@/lib/api/telemetry";
import { runQuery } from "@/lib/api/queries";
import type { Run } from "@/lib/api/types";
import type { TraceModel } from "../model/types";
import { eventOrder, type SpanEvents } from "./items";

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

/** Events lie in the runs, and runs are large: so many are read without being asked. */
const FIRST_RUNS = 100;
const MORE_RUNS = 500;
const AT_ONCE = 4;
/** The list grows this often while events arrive. */
const DRAW_MS = 250;

export interface SpanEventState {
  events: SpanEvents;
  /** Runs whose events are known, and those there are. */
  read: number;
  total: number;
  reading: boolean;
  readMore: () => void;
}

export function useSpanEvents(t: TraceModel): SpanEventState {
  const client = useQueryClient();
  const { skeleton } = t;
  const [wanted, setWanted] = useState(FIRST_RUNS);
  const [state, setState] = useState<{ events: SpanEvents; read: number }>({ events: new Map(), read: 0 });
  // What was read stays known while the trace grows: a run that has ended is not read again.
  const known = useRef(new Map<string, Run["events"]>());
  const order = useMemo(() => eventOrder(skeleton), [skeleton]);
  const asked = Math.min(wanted, order.length);
  useEffect(() => {
    const { trace_id: traceId, project, version } = skeleton;
    const stop = new AbortController();
    const found = new Map<string, Run["events"]>();
    const left = order.slice(0, asked);
    const draw = () => setState({ events: new Map(found), read: asked - left.length });
    const timer = window.setInterval(draw, DRAW_MS);
    const work = async () => {
      for (let run = left.shift(); run && !stop.signal.aborted; run = left.shift()) {
        const events =
          known.current.get(run.key) ??
          // A run that cannot be read has no events here; its own page says why.
          (await client.fetchQuery(runQuery(traceId, run.id, project.name, version)).catch(() => null))?.events;
        if (!events) continue;
        known.current.set(run.key, events);
        if (events.length > 0) found.set(run.id, events);
      }
    };
    void Promise.all(Array.from({ length: AT_ONCE }, work)).then(() => {
      window.clearInterval(timer);
      if (!stop.signal.aborted) draw();
    });
    return () => {
      stop.abort();
      window.clearInterval(timer);
    };
  }, [client, order, asked, skeleton]);
  return {
    events: state.events,
    read: Math.min(state.read, order.length),
    total: order.length,
    reading: state.read < asked,
    readMore: () => setWanted((old) => old + MORE_RUNS),
  };
}
