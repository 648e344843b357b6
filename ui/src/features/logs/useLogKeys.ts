import type { RefObject } from "react";
import { useCommands } from "@/lib/commands";

interface Options<T> {
  items: readonly T[];
  selected: string | null;
  select: (id: string | null) => void;
  toggle: (id: string) => void;
  closeAll: () => void;
  viewport: RefObject<HTMLElement | null>;
  focusFilter: () => void;
  toggleLive: () => void;
  openTrace: (item: T) => void;
}

const PAGE_PX = 27;

/** The keys of the logs. */
export function useLogKeys<T extends { id: string }>(options: Options<T>): void {
  const { items, selected, select, viewport } = options;
  const at = () => (selected === null ? -1 : items.findIndex((item) => item.id === selected));
  const go = (index: number) => {
    const item = items[Math.max(0, Math.min(items.length - 1, index))];
    if (item) select(item.id);
  };
  const current = () => items[Math.max(0, at())];
  const screen = () => Math.max(1, Math.floor((viewport.current?.clientHeight ?? 0) / PAGE_PX) - 2);
  const toggle = () => {
    const item = current();
    if (!item) return;
    select(item.id);
    options.toggle(item.id);
  };
  const group = "Logs";
  const move = { group, keysOnly: true };
  useCommands([
    { ...move, id: "next", title: "Next record", keys: ["j", "ArrowDown"], run: () => go(at() + 1) },
    { ...move, id: "previous", title: "Previous record", keys: ["k", "ArrowUp"], run: () => go(at() - 1) },
    { ...move, id: "page-down", title: "A screen down", keys: ["PageDown"], run: () => go(at() + screen()) },
    { ...move, id: "page-up", title: "A screen up", keys: ["PageUp"], run: () => go(at() - screen()) },
    { ...move, id: "first", title: "First record", keys: ["Home"], run: () => go(0) },
    { group, id: "unfold", title: "Unfold or fold the record", keys: ["Enter", " "], run: toggle },
    {
      group,
      id: "open-trace",
      title: "Open the trace of the record",
      keys: ["o"],
      run: () => current() && options.openTrace(current()),
    },
    { group, id: "filter", title: "Filter", keys: ["/"], run: options.focusFilter },
    { group, id: "live", title: "Live on or off", keys: ["l"], run: options.toggleLive },
    { ...move, id: "escape", title: "Fold all records", keys: ["Escape"], run: options.closeAll },
  ]);
}
