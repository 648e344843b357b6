//! The rows of the list: pages by cursor, and the live first page.

import { type InfiniteData, keepPreviousData, useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useTraceEvents } from "@/lib/api/events";
import { mergeFirst, newKeys, patchRows } from "./merge";
import { fetchRows, type ListRow, type RowPage } from "./rows";
import type { Unit } from "./search";

export const PAGE_ROWS = 100;
/** Beyond this the list asks for a filter instead of more memory. */
export const MAX_ROWS = 20_000;
/** Live lists ask the server at most this often. */
const REFRESH_MS = 150;
const COUNTS_MS = 2_000;
/** Younger answers from the cache are not asked for again. */
const FRESH_MS = 2_000;
const HIDDEN_MS = 15 * 60_000;

export interface ListParams {
  project: string;
  unit: Unit;
  q?: string;
  t: string;
  sort: string;
}

export interface Live {
  on: boolean;
  /** Somebody reads: rows must not move. */
  paused: boolean;
  /** Called when live mode ends by itself. */
  onStop: () => void;
}

export interface Rows {
  rows: ListRow[];
  error: unknown;
  /** Nothing to show yet. */
  loading: boolean;
  /** Something older is shown while the answer travels. */
  refreshing: boolean;
  hasMore: boolean;
  loadMore: () => void;
  loadingMore: boolean;
  /** Rows that wait for the reader; `more` when there are at least that many. */
  waiting: { count: number; more: boolean };
  showWaiting: () => void;
  refresh: () => void;
  retry: () => void;
}

export function useRows({ project, unit, q, t, sort }: ListParams, live: Live): Rows {
  const client = useQueryClient();
  const key = useMemo(() => ["rows", project, unit, q, t, sort], [project, unit, q, t, sort]);
  const query = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) =>
      fetchRows(project, unit, { q, t, sort, limit: PAGE_ROWS, cursor: pageParam ?? undefined }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last: RowPage) => last.next,
    placeholderData: keepPreviousData,
    // Fresh rows come through `refresh`, which costs one page instead of all of them.
    staleTime: Infinity,
    structuralSharing: false,
  });
  const [held, setHeld] = useState<{ page: RowPage; count: number } | null>(null);
  useEffect(() => setHeld(null), [key]);

  const paused = useRef(live.paused);
  useEffect(() => {
    paused.current = live.paused;
  });

  const apply = useCallback(
    (page: RowPage) => {
      const data = client.getQueryData<InfiniteData<RowPage, string | null>>(key);
      if (!data) return;
      const pages = mergeFirst(data.pages, page);
      client.setQueryData(key, { pages, pageParams: pages.map((_, i) => data.pageParams[i] ?? null) });
      setHeld(null);
    },
    [client, key],
  );
  const take = useCallback(
    (page: RowPage) => {
      const data = client.getQueryData<InfiniteData<RowPage, string | null>>(key);
      if (!data) return;
      const count = newKeys(
        data.pages.flatMap((p) => p.rows),
        page.rows,
      ).length;
      const wait = paused.current && count > 0 && data.pages.some((p) => p.rows.length > 0);
      if (!wait) {
        apply(page);
        return;
      }
      client.setQueryData(key, { ...data, pages: patchRows(data.pages, page.rows) });
      setHeld({ page, count });
    },
    [client, key, apply],
  );
  const refresh = useThrottled(
    useCallback(
      async (signal: AbortSignal) => take(await fetchRows(project, unit, { q, t, sort, limit: PAGE_ROWS }, signal)),
      [take, project, unit, q, t, sort],
    ),
    REFRESH_MS,
  );
  const recount = useThrottled(
    useCallback(async () => {
      for (const name of ["histogram", "facets", "stats"]) void client.invalidateQueries({ queryKey: [name, project] });
    }, [client, project]),
    COUNTS_MS,
  );
  const { refetch } = query;
  const update = () => {
    refresh();
    recount();
  };
  // After a restart of the server: a list that could not be loaded is loaded, any other is brought up to date.
  useTraceEvents(live.on ? project : null, update, () => {
    if (query.isError) void refetch();
    update();
  });
  // What waited enters as soon as nobody reads any more.
  useEffect(() => {
    if (!live.paused && held) apply(held.page);
  }, [live.paused, held, apply]);
  // Coming back to a list that is in the cache: it may be old.
  useEffect(() => {
    const updated = client.getQueryState(key)?.dataUpdatedAt ?? 0;
    if (updated > 0 && updated < Date.now() - FRESH_MS) refresh();
  }, [client, key, refresh]);
  useStopWhenHidden(live);

  const pages = useLastGood(query.data?.pages, unit);
  const rows = useMemo(() => pages?.flatMap((page) => page.rows) ?? [], [pages]);
  const { fetchNextPage, isFetchingNextPage } = query;
  const full = rows.length >= MAX_ROWS;
  return {
    rows,
    error: query.error,
    loading: query.isPending && rows.length === 0,
    refreshing: query.isPlaceholderData || (query.isFetching && !isFetchingNextPage),
    hasMore: query.hasNextPage && !full && !query.isPlaceholderData,
    loadMore: useCallback(() => void (isFetchingNextPage || fetchNextPage()), [fetchNextPage, isFetchingNextPage]),
    loadingMore: isFetchingNextPage,
    waiting: { count: held?.count ?? 0, more: (held?.count ?? 0) >= PAGE_ROWS },
    showWaiting: useCallback(() => held && apply(held.page), [held, apply]),
    refresh,
    retry: useCallback(() => void refetch(), [refetch]),
  };
}

/** What was shown last stays when the next answer is an error: a filter that is not right yet, a server that restarts. */
function useLastGood(pages: RowPage[] | undefined, unit: Unit): RowPage[] | undefined {
  const [good, setGood] = useState({ pages, unit });
  if (pages !== undefined && pages !== good.pages) setGood({ pages, unit });
  return pages ?? (good.unit === unit ? good.pages : undefined);
}

/** Runs `task` now and at most every `ms`, one at a time; a call meanwhile makes it run once more. */
function useThrottled(task: (signal: AbortSignal) => Promise<void>, ms: number): () => void {
  const state = useRef({ run: () => {} });
  useEffect(() => {
    const stop = new AbortController();
    let timer = 0;
    let busy = false;
    let again = false;
    const run = () => {
      if (busy || timer) {
        again = true;
        return;
      }
      busy = true;
      again = false;
      // A failed refresh leaves what is shown; the next event tries again.
      void task(stop.signal)
        .catch(() => {})
        .finally(() => {
          busy = false;
          if (stop.signal.aborted) return;
          timer = window.setTimeout(() => {
            timer = 0;
            if (again) run();
          }, ms);
        });
    };
    state.current.run = run;
    return () => {
      stop.abort();
      window.clearTimeout(timer);
    };
  }, [task, ms]);
  return useCallback(() => state.current.run(), []);
}

/** A forgotten tab stops asking. */
function useStopWhenHidden({ on, onStop }: Live): void {
  const stop = useRef(onStop);
  useEffect(() => {
    stop.current = onStop;
  });
  useEffect(() => {
    if (!on) return;
    let timer = 0;
    const watch = () => {
      window.clearTimeout(timer);
      if (document.visibilityState === "hidden") timer = window.setTimeout(() => stop.current(), HIDDEN_MS);
    };
    watch();
    document.addEventListener("visibilitychange", watch);
    return () => {
      window.clearTimeout(timer);
      document.removeEventListener("visibilitychange", watch);
    };
  }, [on]);
}
