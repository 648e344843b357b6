//! The full run behind the selection, fetched when the selection rests.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { runQuery } from "@/lib/api/queries";
import type { Run } from "@/lib/api/types";
import type { TraceModel } from "../model/types";

/** Holding `j` passes ten rows a second; only where it stops is anything asked for. */
const REST_MS = 70;

export interface RunState {
  run: Run | undefined;
  pending: boolean;
  error: unknown;
  retry: () => void;
}

export function useRun(t: TraceModel, node: number): RunState {
  const { trace_id, project, runs, version } = t.skeleton;
  const row = t.run[node];
  const id = row >= 0 ? runs.id[row] : null;
  const client = useQueryClient();
  const settled = useSettled(id);
  const query = runQuery(trace_id, id ?? "", project.name, version);
  const known = id !== null && client.getQueryData(query.queryKey) !== undefined;
  const { data, error, isFetching, refetch } = useQuery({
    ...query,
    enabled: id !== null && (known || settled === id),
    // While a running trace changes, the last known payload of the same run stays on screen.
    placeholderData: (old) => (old?.run_id === id ? old : undefined),
  });
  return {
    run: data,
    pending: id !== null && data === undefined && (isFetching || settled !== id),
    error,
    retry: () => void refetch(),
  };
}

function useSettled<T>(value: T): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), REST_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}
