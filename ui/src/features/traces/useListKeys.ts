import type { RefObject } from "react";
import { useCommands } from "@/lib/commands";
import type { ListRow } from "./rows";
import { showRow, useRowPx } from "./window";

interface Options {
  rows: readonly ListRow[];
  current: string | null;
  viewport: RefObject<HTMLElement | null>;
  select: (row: ListRow) => void;
  open: (row: ListRow) => void;
  togglePeek: (row: ListRow) => void;
  focusFilter: () => void;
  toggleLive: () => void;
  escape: () => void;
}

/** The keys of lists. */
export function useListKeys({
  rows,
  current,
  viewport,
  select,
  open,
  togglePeek,
  focusFilter,
  toggleLive,
  escape,
}: Options): void {
  const rowPx = useRowPx();
  const at = () => (current === null ? -1 : rows.findIndex((row) => row.key === current));
  const go = (index: number) => {
    const row = rows[Math.max(0, Math.min(rows.length - 1, index))];
    if (!row) return;
    select(row);
    if (viewport.current) showRow(viewport.current, rows.indexOf(row), rowPx);
  };
  const withCurrent = (act: (row: ListRow) => void) => () => {
    const row = rows[at()] ?? rows[0];
    if (row) act(row);
  };
  const screen = () => Math.max(1, Math.floor((viewport.current?.clientHeight ?? 0) / rowPx) - 2);
  const group = "List";
  useCommands([
    { id: "next", title: "Next row", group, keys: ["j", "ArrowDown"], keysOnly: true, run: () => go(at() + 1) },
    { id: "previous", title: "Previous row", group, keys: ["k", "ArrowUp"], keysOnly: true, run: () => go(at() - 1) },
    {
      id: "page-down",
      title: "A screen down",
      group,
      keys: ["PageDown"],
      keysOnly: true,
      run: () => go(at() + screen()),
    },
    { id: "page-up", title: "A screen up", group, keys: ["PageUp"], keysOnly: true, run: () => go(at() - screen()) },
    { id: "first", title: "First row", group, keys: ["Home"], keysOnly: true, run: () => go(0) },
    { id: "peek", title: "Peek at the row", group, keys: [" "], run: withCurrent(togglePeek) },
    { id: "open", title: "Open the row", group, keys: ["Enter"], run: withCurrent(open) },
    { id: "filter", title: "Filter", group, keys: ["/"], run: focusFilter },
    { id: "live", title: "Live on or off", group, keys: ["l"], run: toggleLive },
    { id: "escape", title: "Close, clear, back", group, keys: ["Escape"], keysOnly: true, run: escape },
  ]);
}
