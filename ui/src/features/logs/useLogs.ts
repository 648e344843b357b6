//! The records of the page: pages by cursor, and new ones at the top while the list is live.

import { type InfiniteData, keepPreviousData, useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { fetchLogs, type LogPage, type LogQuery, type LogRow } from "@/lib/api/telemetry";
import { mergeNewest, unknownOf } from "./merge";

const PAGE_ROWS = 200;
/** Beyond this the list asks for a filter instead of more memory. */
export const MAX_ROWS = 50_000;
/** A live list asks for its first page this often. */
const LIVE_MS = 2_000;

export interface Logs {
  rows: LogRow[];
  error: unknown;
  loading: boolean;
  refreshing: boolean;
  hasMore: boolean;
  loadMore: () => void;
  /** New records that wait because somebody reads. */
  waiting: number;
  showWaiting: () => void;
  retry: () => void;
}

interface Live {
  on: boolean;
  /** Somebody reads: lines must not move. */
  paused: boolean;
}

export function useLogs(project: string, filter: Omit<LogQuery, "limit" | "cursor">, live: Live): Logs {
  const client = useQueryClient();
  const { id, q, t, severity, service, trace, order } = filter;
  const stable = useMemo(
    () => ({ id, q, t, severity, service, trace, order }),
    [id, q, t, severity, service, trace, order],
  );
  const key = useMemo(() => ["logs", project, stable], [project, stable]);
  const query = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) =>
      fetchLogs(project, { ...stable, limit: PAGE_ROWS, cursor: pageParam ?? undefined }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last: LogPage) => last.next_cursor,
    placeholderData: keepPreviousData,
    structuralSharing: false,
    // Coming back after a while loads anew; what comes in between is what `useFresh` is for.
    staleTime: 30_000,
  });
  const [held, setHeld] = useState<LogPage | null>(null);
  useEffect(() => setHeld(null), [key]);
  const apply = useCallback(
    (fresh: LogPage) => {
      const data = client.getQueryData<InfiniteData<LogPage, string | null>>(key);
      if (!data) return;
      const pages = mergeNewest(data.pages, fresh);
      client.setQueryData(key, { pages, pageParams: pages.map((_, i) => data.pageParams[i] ?? null) });
      setHeld(null);
    },
    [client, key],
  );
  const paused = useRef(live.paused);
  useEffect(() => {
    paused.current = live.paused;
  });
  const take = useCallback(
    async (signal: AbortSignal) => {
      const fresh = await fetchLogs(project, { ...stable, limit: PAGE_ROWS }, signal);
      const data = client.getQueryData<InfiniteData<LogPage, string | null>>(key);
      if (!data || unknownOf(data.pages, fresh).length === 0) return;
      if (paused.current && data.pages.some((page) => page.logs.length > 0)) setHeld(fresh);
      else apply(fresh);
    },
    [apply, client, key, project, stable],
  );
  useFresh(live.on && !query.isPending && !query.isPlaceholderData, take);
  // What waited enters as soon as nobody reads any more.
  useEffect(() => {
    if (!live.paused && held) apply(held);
  }, [live.paused, held, apply]);

  const pages = query.data?.pages;
  const rows = useMemo(() => pages?.flatMap((page) => page.logs) ?? [], [pages]);
  const { fetchNextPage, isFetchingNextPage, refetch } = query;
  return {
    rows,
    error: query.error,
    loading: query.isPending,
    refreshing: query.isPlaceholderData,
    hasMore: query.hasNextPage && rows.length < MAX_ROWS && !query.isPlaceholderData,
    loadMore: useCallback(() => void (isFetchingNextPage || fetchNextPage()), [fetchNextPage, isFetchingNextPage]),
    waiting: useMemo(() => (held && pages ? unknownOf(pages, held).length : 0), [held, pages]),
    showWaiting: useCallback(() => held && apply(held), [held, apply]),
    retry: useCallback(() => void refetch(), [refetch]),
  };
}

/** Asks every two seconds while the tab is seen; the next question waits for the answer before. */
function useFresh(on: boolean, take: (signal: AbortSignal) => Promise<void>): void {
  useEffect(() => {
    if (!on) return;
    const stop = new AbortController();
    let timer = 0;
    const again = () => {
      timer = window.setTimeout(() => {
        if (document.visibilityState === "hidden") again();
        // A failed question leaves what is shown; the next one tries again.
        else
          void take(stop.signal)
            .catch(() => {})
            .finally(() => stop.signal.aborted || again());
      }, LIVE_MS);
    };
    again();
    return () => {
      stop.abort();
      window.clearTimeout(timer);
    };
  }, [on, take]);
}
