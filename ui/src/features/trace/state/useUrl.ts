//! Writing to the URL: at once for switches, after a pause for what changes with every key or pixel.

import { useNavigate } from "@tanstack/react-router";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { TraceSearch } from "../search";

const PAUSE_MS = 250;

export interface Url {
  /** Replaces parameters now. */
  set: (patch: Partial<TraceSearch>) => void;
  /** Replaces parameters when things have come to rest. */
  settle: (patch: Partial<TraceSearch>) => void;
  /** What this page wrote last: its own echo must not overwrite what was typed since. */
  written: Map<keyof TraceSearch, unknown>;
}

export function useUrl(): Url {
  const navigate = useNavigate({ from: "/p/$project/traces/$traceId" });
  const waiting = useRef<Partial<TraceSearch>>({});
  const timer = useRef(0);
  const [written] = useState(() => new Map<keyof TraceSearch, unknown>());
  const flush = useCallback(() => {
    window.clearTimeout(timer.current);
    const patch = waiting.current;
    waiting.current = {};
    for (const [key, value] of Object.entries(patch)) written.set(key as keyof TraceSearch, value);
    if (Object.keys(patch).length > 0)
      void navigate({ search: (old) => ({ ...old, ...patch }), replace: true, resetScroll: false });
  }, [navigate, written]);
  const settle = useCallback(
    (patch: Partial<TraceSearch>) => {
      Object.assign(waiting.current, patch);
      window.clearTimeout(timer.current);
      timer.current = window.setTimeout(flush, PAUSE_MS);
    },
    [flush],
  );
  const set = useCallback(
    (patch: Partial<TraceSearch>) => {
      Object.assign(waiting.current, patch);
      flush();
    },
    [flush],
  );
  // Leaving the page drops what waits: it belongs to the page that is gone.
  useEffect(() => () => window.clearTimeout(timer.current), []);
  return useMemo(() => ({ set, settle, written }), [set, settle, written]);
}

/**
 * For values that live in the component while they change and in the URL when they rest: calls `setLocal` when the
 * URL changed by other means than this page, by Back or a pasted link.
 */
export function useUrlEcho<K extends keyof TraceSearch>(
  url: Url,
  key: K,
  value: TraceSearch[K],
  setLocal: (value: TraceSearch[K]) => void,
): void {
  const seen = useRef(value);
  useEffect(() => {
    if (Object.is(seen.current, value)) return;
    seen.current = value;
    if (url.written.has(key) && Object.is(url.written.get(key), value)) return;
    url.written.delete(key);
    setLocal(value);
  }, [url, key, value, setLocal]);
}
