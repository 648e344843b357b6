import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { ListRow } from "./rows";
import { extended, type Marks, NO_MARKS, toggled } from "./marks";

export interface Marking {
  /** In the order of the list. */
  rows: ListRow[];
  keys: ReadonlySet<string>;
  /** The same function for the life of the list: hundreds of rows hold it. */
  mark: (key: string, extend: boolean) => void;
  /** Marks one row and all on the way to another. */
  stretch: (from: string, to: string) => void;
  markAll: () => void;
  clear: () => void;
}

const keysOf = (rows: readonly ListRow[]): string[] => rows.map((row) => row.key);

/** Marks of one list; another `list` (filter, time, unit) begins without any. What left the list is not marked. */
export function useMarks(rows: readonly ListRow[], list: string): Marking {
  const [state, setState] = useState<{ list: string; marks: Marks }>({ list, marks: NO_MARKS });
  const marks = state.list === list ? state.marks : NO_MARKS;
  const latest = useRef({ rows, list, marks });
  useEffect(() => {
    latest.current = { rows, list, marks };
  });
  const mark = useCallback((key: string, extend: boolean) => {
    const now = latest.current;
    setState({ list: now.list, marks: extend ? extended(now.marks, keysOf(now.rows), key) : toggled(now.marks, key) });
  }, []);
  const marked = useMemo(() => rows.filter((row) => marks.keys.has(row.key)), [rows, marks]);
  return {
    rows: marked,
    keys: marks.keys,
    mark,
    stretch: (from, to) => {
      const begun = marks.keys.has(from) ? marks : toggled(marks, from);
      setState({ list, marks: extended(begun, keysOf(rows), to) });
    },
    markAll: () => setState({ list, marks: { keys: new Set(keysOf(rows)), anchor: null } }),
    clear: () => setState({ list, marks: NO_MARKS }),
  };
}
