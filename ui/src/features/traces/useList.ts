//! What the list page knows: the address, the rows for it, the selection, and what can be done.

import { getRouteApi } from "@tanstack/react-router";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { readSetting, writeSetting } from "@/lib/storage";
import { traceList } from "@/lib/trace-list";
import { useDefaultRange } from "@/lib/use-default-range";
import { pickValue, type PickMode } from "./filter";
import type { ListRow } from "./rows";
import { DEFAULT_SORT, type TracesSearch, type Unit, validateTracesSearch } from "./search";
import { type Marking, useMarks } from "./useMarks";
import { type Rows, useRows } from "./useRows";

const route = getRouteApi("/p/$project/traces");

/** Somebody reads when the pointer is over the rows or the list is scrolled: then rows must not move. */
export interface Reading {
  hover: boolean;
  scrolled: boolean;
}

/** The row that was selected last in each project of this visit: coming back finds it. */
const lastSelected = new Map<string, string>();

export interface ListState {
  q: string;
  t: string;
  sort: string;
  unit: Unit;
  cols: string | undefined;
  rows: Rows;
  /** Key of the row that keys act on. */
  current: string | null;
  select: (key: string | null) => void;
  /** Rows that are selected for doing something with all of them. */
  marking: Marking;
  /** Key of the row in the peek pane. */
  peek: string | null;
  setPeek: (key: string | null) => void;
  live: boolean;
  toggleLive: () => void;
  /** `replace` for what is no place of its own: typing, columns. */
  setSearch: (patch: TracesSearch, replace?: boolean) => void;
  pick: (field: string, value: string, how: PickMode) => void;
  open: (row: ListRow, newTab?: boolean) => void;
  setReading: (update: (old: Reading) => Reading) => void;
}

export function useList(project: string): ListState {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const standardRange = useDefaultRange(project);
  const { q = "", t = standardRange, sort = DEFAULT_SORT, unit = "traces", peek = null } = search;
  const setSearch = useCallback(
    (patch: TracesSearch, replace = false) =>
      void navigate({ search: (old) => validateTracesSearch({ ...old, ...patch }), replace }),
    [navigate],
  );
  const [reading, setReading] = useState<Reading>({ hover: false, scrolled: false });
  const [live, setLive] = useState(() => readSetting("live") !== "0");
  const [selected, setSelected] = useState(() => lastSelected.get(project) ?? null);
  const select = useCallback(
    (key: string | null) => {
      setSelected(key);
      if (key === null) lastSelected.delete(project);
      else lastSelected.set(project, key);
    },
    [project],
  );
  const [marksAny, setMarksAny] = useState(false);
  const paused = reading.hover || reading.scrolled || peek !== null || marksAny;
  const rows = useRows({ project, unit, q, t, sort }, { on: live, paused, onStop: () => setLive(false) });
  useTraceOrder(project, unit, rows.rows);
  const marking = useMarks(rows.rows, `${unit} ${q} ${t}`);
  // Rows do not move while some are being selected.
  const isMarking = marking.rows.length > 0;
  if (isMarking !== marksAny) setMarksAny(isMarking);

  const open = useCallback(
    (row: ListRow, newTab = false) => {
      const span = row.key === row.traceId ? undefined : row.runId;
      select(row.key);
      if (newTab) {
        const path = `${location.pathname}/${row.traceId}${span ? `?span=${span}` : ""}`;
        window.open(path, "_blank", "noopener");
      } else
        void navigate({
          to: "/p/$project/traces/$traceId",
          params: { project, traceId: row.traceId },
          search: { span },
        });
    },
    [navigate, project, select],
  );
  return {
    q,
    t,
    sort,
    unit,
    cols: search.cols,
    rows,
    current: peek ?? selected,
    select,
    marking,
    peek,
    setPeek: (key) => {
      if (key !== null) select(key);
      // Opening the pane is a place to come back from; what it shows is not.
      setSearch({ peek: key ?? undefined }, peek !== null);
    },
    live,
    toggleLive: () => {
      setLive(!live);
      writeSetting("live", live ? "0" : null);
    },
    setSearch,
    pick: (field, value, how) => setSearch({ q: pickValue(q, field, value, how) }),
    open,
    setReading,
  };
}

/** Tells the trace page which trace comes next. */
function useTraceOrder(project: string, unit: Unit, rows: readonly ListRow[]): void {
  const ids = useMemo(() => [...new Set(rows.map((row) => row.traceId))], [rows]);
  useEffect(() => {
    if (unit === "traces" && ids.length > 0) traceList.set({ project, ids });
  }, [project, unit, ids]);
}

/** Esc takes back the last stretch that was dragged, as long as it is still the range. */
export function useBrushUndo(range: string, setRange: (range: string) => void) {
  const last = useRef<{ before: string; after: string } | null>(null);
  return {
    start: (after: string) => {
      last.current = { before: range, after };
      setRange(after);
    },
    undo: (): boolean => {
      const brushed = last.current;
      last.current = null;
      if (!brushed || brushed.after !== range) return false;
      setRange(brushed.before);
      return true;
    },
  };
}
