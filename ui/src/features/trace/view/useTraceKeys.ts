//! The keys of the trace page. The command menu and the key help read the same list.

import { useNavigate } from "@tanstack/react-router";
import { useMemo, useRef } from "react";
import { type Command, useCommands } from "@/lib/commands";
import { useStore } from "@/lib/store";
import { traceList } from "@/lib/trace-list";
import { copyText } from "@/components/CopyButton";
import { hasAsides } from "../model/asides";
import { expensiveCalls } from "../model/breakdown";
import { ERROR, keyOf } from "../model/types";
import type { TraceSearch } from "../search";
import type { TraceState } from "../state/useTraceState";
import { FIND_ID } from "./Toolbar";

const PAGE_ROWS = 20;
const GROUP = "Trace";

export interface DetailKeys {
  /** The view beside the details: the logs have keys of their own for moving. */
  view?: TraceSearch["as"];
  /** Names of the tabs in order, for ⌥1 to ⌥9. */
  tabs: string[];
  pickTab: (index: number) => void;
  open: () => void;
  close: () => void;
}

export function useTraceKeys(state: TraceState, detail: DetailKeys): void {
  useCommands([
    ...(detail.view === "logs" ? [] : moves(state, detail)),
    ...useJumps(state),
    ...views(state),
    ...zooms(state),
    ...useSteps(state),
    ...tabs(detail),
  ]);
}

function moves(state: TraceState, detail: DetailKeys): Command[] {
  const { model: t, rows, count, selected, selectedRow, fold } = state;
  const go = (r: number) => {
    if (count > 0) state.select(rows[Math.min(count - 1, Math.max(0, r))], false);
  };
  const forward = () => {
    if (t.size[selected] === 1) return;
    if (!fold.isOpen(selected)) fold.toggle(selected);
    else go(selectedRow + 1);
  };
  const back = () => {
    if (t.size[selected] > 1 && fold.isOpen(selected)) fold.toggle(selected);
    else if (t.parent[selected] >= 0) state.select(t.parent[selected]);
  };
  const move = (id: string, title: string, keys: string[], run: () => void): Command => ({
    id,
    title,
    keys,
    run,
    group: GROUP,
    keysOnly: true,
  });
  return [
    move("down", "Next span", ["j", "ArrowDown"], () => go(selectedRow + 1)),
    move("up", "Previous span", ["k", "ArrowUp"], () => go(selectedRow - 1)),
    move("in", "Unfold, then step in", ["l", "ArrowRight"], forward),
    move("out", "Fold, then to the parent", ["h", "ArrowLeft"], back),
    move("page-down", "Down a page", ["PageDown"], () => go(selectedRow + PAGE_ROWS)),
    move("page-up", "Up a page", ["PageUp"], () => go(selectedRow - PAGE_ROWS)),
    move("first", "First span", ["Home"], () => go(0)),
    move("last", "Last span", ["End"], () => go(count - 1)),
    move("open", "Show the details", ["Enter"], detail.open),
    {
      ...move("close", "Close the details, clear the search", ["Escape"], () => {
        state.find.setText("");
        detail.close();
      }),
    },
  ];
}

/** To errors, expensive calls and matches. */
function useJumps(state: TraceState): Command[] {
  const { model: t, selected, find } = state;
  const expensive = useMemo(() => expensiveCalls(t), [t]);
  const at = useRef(-1);
  const nextError = (direction: 1 | -1) => {
    for (let k = 1; k <= t.n; k++) {
      const i = (selected + direction * k + t.n * 2) % t.n;
      if (t.status[i] === ERROR) return state.select(i);
    }
  };
  const nextExpensive = () => {
    if (expensive.length === 0) return;
    at.current = (at.current + 1) % expensive.length;
    state.select(expensive[at.current]);
  };
  const nextMatch = (direction: 1 | -1) => {
    const node = find.step(selected, direction);
    if (node >= 0) state.select(node);
  };
  const openFind = (deep?: boolean) => {
    if (deep) find.setDeep(true);
    const input = document.getElementById(FIND_ID) as HTMLInputElement | null;
    input?.focus();
    input?.select();
  };
  return [
    { id: "next-error", title: "Next error", group: GROUP, keys: ["e"], run: () => nextError(1) },
    { id: "previous-error", title: "Previous error", group: GROUP, keys: ["E"], run: () => nextError(-1) },
    { id: "expensive", title: "Next most expensive call", group: GROUP, keys: ["$"], run: nextExpensive },
    { id: "find", title: "Find in trace", group: GROUP, keys: ["/"], run: () => openFind() },
    // In the details the browser searches; elsewhere most of the trace is not on the page for it to find.
    {
      id: "find-mod",
      title: "Find in trace",
      group: GROUP,
      keys: ["Mod+f"],
      keysOnly: true,
      run: () => openFind(),
      when: () => document.activeElement?.closest("[data-details]") === null,
    },
    // ⇧/ is ? on most layouts, which is the help; payload search gets Alt.
    { id: "find-payloads", title: "Find in payloads", group: GROUP, keys: ["Alt+/"], run: () => openFind(true) },
    { id: "next-match", title: "Next match", group: GROUP, keys: ["n"], run: () => nextMatch(1) },
    { id: "previous-match", title: "Previous match", group: GROUP, keys: ["N"], run: () => nextMatch(-1) },
  ];
}

function views(state: TraceState): Command[] {
  const { fold, url, only } = state;
  const copyLink = () => {
    const link = new URL(location.href);
    link.searchParams.set("span", keyOf(state.model, state.selected));
    void copyText(link.href);
  };
  return [
    { id: "axis-time", title: "Time axis", group: GROUP, keys: ["1"], run: () => state.setAxis("time") },
    { id: "axis-cost", title: "Cost axis", group: GROUP, keys: ["2"], run: () => state.setAxis("cost") },
    { id: "axis-tokens", title: "Token axis", group: GROUP, keys: ["3"], run: () => state.setAxis("tokens") },
    {
      id: "critical",
      title: "Critical path",
      group: GROUP,
      keys: ["c"],
      run: () => url.set({ cp: state.critical ? undefined : true }),
    },
    {
      id: "flame",
      title: "Flame overview",
      group: GROUP,
      keys: ["f"],
      run: () => url.set({ flame: state.flame ? undefined : true }),
    },
    {
      id: "errors-only",
      title: "Errors only",
      group: GROUP,
      keys: ["x"],
      run: () => state.setOnly(only === "errors" ? undefined : "errors"),
    },
    {
      id: "transport",
      title: "Show or fold transport",
      group: GROUP,
      keys: ["t"],
      run: () => url.set({ transport: state.transport ? undefined : true }),
      when: () => state.model.transports.some((count) => count > 0),
    },
    {
      id: "asides",
      title: "Show or fold what is behind the span",
      group: GROUP,
      keys: ["o"],
      run: () => fold.toggleAsides(state.selected),
      when: () => hasAsides(state.model, state.selected),
    },
    { id: "fold-all", title: "Fold all", group: GROUP, keys: ["["], run: () => fold.all("fold") },
    { id: "unfold-all", title: "Unfold all", group: GROUP, keys: ["]"], run: () => fold.all("unfold") },
    { id: "unfold-groups", title: "Unfold all, also groups", group: GROUP, keys: ["}"], run: () => fold.all("groups") },
    {
      id: "view-logs",
      title: "Timeline or logs",
      group: GROUP,
      keys: ["v"],
      run: () => url.set({ as: new URLSearchParams(location.search).get("as") === "logs" ? undefined : "logs" }),
    },
    { id: "copy-span-link", title: "Copy link to the span", group: GROUP, keys: ["y"], run: copyLink },
  ];
}

function zooms({ zoom, selected }: TraceState): Command[] {
  return [
    { id: "zoom-span", title: "Zoom to the span", group: GROUP, keys: ["z"], run: () => zoom.zoomToNode(selected) },
    { id: "zoom-reset", title: "Reset zoom", group: GROUP, keys: ["0"], run: zoom.reset },
    { id: "zoom-in", title: "Zoom in", group: GROUP, keys: ["+", "="], run: () => zoom.zoomBy(0.5) },
    { id: "zoom-out", title: "Zoom out", group: GROUP, keys: ["-"], run: () => zoom.zoomBy(2) },
    {
      id: "pan-left",
      title: "Pan left",
      group: GROUP,
      keys: ["Shift+ArrowLeft"],
      keysOnly: true,
      run: () => zoom.pan(-0.25),
    },
    {
      id: "pan-right",
      title: "Pan right",
      group: GROUP,
      keys: ["Shift+ArrowRight"],
      keysOnly: true,
      run: () => zoom.pan(0.25),
    },
  ];
}

/** Next and previous trace of the list that this one was opened from. */
export function useTraceSteps(state: TraceState): { previous?: () => void; next?: () => void } {
  const list = useStore(traceList);
  const navigate = useNavigate();
  const { trace_id, project } = state.model.skeleton;
  const at = list?.project === project.name ? list.ids.indexOf(trace_id) : -1;
  const to = (k: number) => {
    const traceId = at >= 0 ? list?.ids[at + k] : undefined;
    if (!traceId) return undefined;
    return () => void navigate({ to: "/p/$project/traces/$traceId", params: { project: project.name, traceId } });
  };
  return { previous: to(-1), next: to(1) };
}

function useSteps(state: TraceState): Command[] {
  const { previous, next } = useTraceSteps(state);
  const out: Command[] = [];
  if (next) out.push({ id: "next-trace", title: "Next trace of the list", group: GROUP, keys: ["J"], run: next });
  if (previous)
    out.push({ id: "previous-trace", title: "Previous trace of the list", group: GROUP, keys: ["K"], run: previous });
  return out;
}

const tabs = (detail: DetailKeys): Command[] =>
  detail.tabs.map((name, index) => ({
    id: `tab-${index + 1}`,
    title: name,
    group: "Details",
    keys: [`Alt+${index + 1}`],
    keysOnly: true,
    run: () => detail.pickTab(index),
  }));
