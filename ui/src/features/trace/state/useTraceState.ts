//! Everything the trace page knows about itself, put together from selection, folding, zoom and find.

import { useCallback, useMemo, useState } from "react";
import type { Axis } from "@/lib/api/types";
import { normaliseKey } from "@/lib/ids";
import { type CriticalPath, criticalPath } from "../model/critical-path";
import { keepMask, rowOf, visibleRows } from "../model/fold";
import { ERROR, keyOf, type TraceModel, typeOf } from "../model/types";
import type { TraceSearch } from "../search";
import { type Find, useFind } from "./useFind";
import { type Fold, useFold } from "./useFold";
import { type Url, useUrl, useUrlEcho } from "./useUrl";
import { useZoom, type Zoom } from "./useZoom";

export type Only = NonNullable<TraceSearch["only"]>;

export interface TraceState {
  model: TraceModel;
  axis: Axis;
  setAxis: (axis: Axis) => void;
  selected: number;
  /** Selects a node; `revealed` unfolds what hides it. */
  select: (i: number, revealed?: boolean) => void;
  /** Node of a run id, if the trace has it. */
  nodeOfRun: (id: string) => number | undefined;
  /** Row of the selection among the visible ones, −1 when it is folded away. */
  selectedRow: number;
  rows: Int32Array;
  count: number;
  fold: Fold;
  zoom: Zoom;
  find: Find;
  critical: CriticalPath | null;
  only: Only | undefined;
  setOnly: (only: Only | undefined) => void;
  flame: boolean;
  /** HTTP and gRPC calls of model calls are shown everywhere. */
  transport: boolean;
  tab: string | undefined;
  /** JSON pointer of the value that a link points at. */
  path: string | undefined;
  url: Url;
}

export function useTraceState(model: TraceModel, search: TraceSearch): TraceState {
  const url = useUrl();
  const axis: Axis = search.axis ?? "time";
  const nodes = useMemo(() => keysOf(model), [model]);

  const [key, setKey] = useState(search.span ?? null);
  useUrlEcho(
    url,
    "span",
    search.span,
    useCallback((span: string | undefined) => setKey(span ?? null), []),
  );
  const selected = (key === null ? undefined : nodes.get(normaliseKey(key))) ?? 0;
  const fold = useFold(model, selected, search.transport === true);
  const { revealNode } = fold;
  const select = useCallback(
    (i: number, revealed = true) => {
      const next = keyOf(model, i);
      setKey(next);
      if (revealed) revealNode(i);
      url.settle({ span: i === 0 ? undefined : next });
    },
    [model, revealNode, url],
  );

  const zoom = useZoom(model, axis, search.win, url);
  const find = useFind(model, search, url);
  const critical = useMemo(
    () => (search.cp || search.only === "critical" ? criticalPath(model) : null),
    [model, search.cp, search.only],
  );
  const keep = useMemo(
    () => maskFor(model, search.only, critical, find.mask),
    [model, search.only, critical, find.mask],
  );
  const visible = useMemo(() => {
    const out = new Int32Array(model.n);
    const count = visibleRows(model, fold.folded, keep, out, search.transport);
    return { rows: out, count };
  }, [model, fold.folded, keep, search.transport]);

  return {
    model,
    axis,
    setAxis: (next) => url.set({ axis: next === "time" ? undefined : next, win: undefined }),
    selected,
    select,
    nodeOfRun: (id) => nodes.get(normaliseKey(id)),
    selectedRow: rowOf(visible.rows, visible.count, selected),
    ...visible,
    fold,
    zoom,
    find,
    critical: search.cp ? critical : null,
    only: search.only,
    setOnly: (only) => url.set({ only }),
    flame: search.flame === true,
    transport: search.transport === true,
    tab: search.tab,
    path: search.path,
    url,
  };
}

/** Node of each run id and group key. */
function keysOf(model: TraceModel): Map<string, number> {
  const nodes = new Map<string, number>();
  for (let i = 0; i < model.n; i++) nodes.set(keyOf(model, i), i);
  return nodes;
}

function maskFor(
  model: TraceModel,
  only: Only | undefined,
  critical: CriticalPath | null,
  hits: Uint8Array | null,
): Uint8Array | null {
  if (only === "errors") return keepMask(model, (i) => model.status[i] === ERROR);
  if (only === "llm") return keepMask(model, (i) => typeOf(model, i) === "llm");
  if (only === "critical" && critical) return keepMask(model, (i) => critical.on[i] === 1);
  if (only === "matches" && hits) return keepMask(model, (i) => hits[i] === 1);
  return null;
}
