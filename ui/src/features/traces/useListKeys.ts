import type { RefObject } from "react";
import { useCommands } from "@/lib/commands";
import type { ListRow } from "./rows";
import type { ListState } from "./useList";
import { showRow, useRowPx } from "./window";

interface Options {
  list: ListState;
  viewport: RefObject<HTMLElement | null>;
  focusFilter: () => void;
  escape: () => void;
}

/** The keys of lists. */
export function useListKeys({ list, viewport, focusFilter, escape }: Options): void {
  const rowPx = useRowPx();
  const { current, peek } = list;
  const { rows } = list.rows;
  const at = () => (current === null ? -1 : rows.findIndex((row) => row.key === current));
  const go = (index: number) => {
    const place = Math.max(0, Math.min(rows.length - 1, index));
    const row = rows[place];
    if (!row) return;
    // An open peek pane follows the selection.
    if (peek === null) list.select(row.key);
    else list.setPeek(row.key);
    if (viewport.current) showRow(viewport.current, place, rowPx);
  };
  const withCurrent = (act: (row: ListRow) => void) => () => {
    const row = rows[at()] ?? rows[0];
    if (row) act(row);
  };
  /** Marks the row one is on, and the next. */
  const stretch = (step: number) => {
    const from = rows[at()];
    const to = rows[Math.max(0, Math.min(rows.length - 1, at() + step))];
    if (!to) return;
    list.marking.stretch((from ?? to).key, to.key);
    go(rows.indexOf(to));
  };
  const screen = () => Math.max(1, Math.floor((viewport.current?.clientHeight ?? 0) / rowPx) - 2);
  const group = "List";
  const move = { group, keysOnly: true };
  useCommands([
    { ...move, id: "next", title: "Next row", keys: ["j", "ArrowDown"], run: () => go(at() + 1) },
    { ...move, id: "previous", title: "Previous row", keys: ["k", "ArrowUp"], run: () => go(at() - 1) },
    { ...move, id: "page-down", title: "A screen down", keys: ["PageDown"], run: () => go(at() + screen()) },
    { ...move, id: "page-up", title: "A screen up", keys: ["PageUp"], run: () => go(at() - screen()) },
    { ...move, id: "first", title: "First row", keys: ["Home"], run: () => go(0) },
    {
      group,
      id: "mark",
      title: "Select the row, or not any more",
      keys: ["x"],
      run: withCurrent((row) => {
        list.marking.mark(row.key, false);
        if (current === null) list.select(row.key);
      }),
    },
    {
      ...move,
      id: "mark-to",
      title: "Select up to the row",
      keys: ["X"],
      run: withCurrent((row) => list.marking.mark(row.key, true)),
    },
    { ...move, id: "mark-down", title: "Select downwards", keys: ["J", "Shift+ArrowDown"], run: () => stretch(1) },
    { ...move, id: "mark-up", title: "Select upwards", keys: ["K", "Shift+ArrowUp"], run: () => stretch(-1) },
    { group, id: "mark-all", title: "Select all loaded rows", keys: ["Mod+a"], run: list.marking.markAll },
    {
      group,
      id: "peek",
      title: "Peek at the row",
      keys: [" "],
      run: withCurrent((row) => list.setPeek(peek === row.key ? null : row.key)),
    },
    { group, id: "open", title: "Open the row", keys: ["Enter"], run: withCurrent(list.open) },
    { group, id: "filter", title: "Filter", keys: ["/"], run: focusFilter },
    { group, id: "live", title: "Live on or off", keys: ["l"], run: list.toggleLive },
    { ...move, id: "escape", title: "Close, clear, back", keys: ["Escape"], run: escape },
  ]);
}
