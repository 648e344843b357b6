//! The trace as what it said: log records and span events by time. Picking one selects its span.

import { Link } from "@tanstack/react-router";
import { useCallback, useMemo, useRef, useState } from "react";
import { useCommands } from "@/lib/commands";
import { formatDuration, formatInt, plural } from "@/lib/format";
import { Button } from "@/components/Button";
import { LogDetail } from "@/components/log/LogDetail";
import { type Column, LogList } from "@/components/log/LogList";
import { EmptyState, ErrorState } from "@/components/Notice";
import { TypeIcon } from "@/components/TypeIcon";
import { nameOf, type TraceModel, typeOf } from "../model/types";
import type { TraceSearch } from "../search";
import type { TraceState } from "../state/useTraceState";
import { chosen, itemsOfEvents, itemsOfLogs, together, type TraceLogItem } from "./items";
import styles from "./LogsView.module.css";
import { MAX_RECORDS, type TraceEvents, type TraceLogs, useTraceEvents, useTraceLogs } from "./useTraceLogs";

interface Props {
  state: TraceState;
  search: TraceSearch;
  /** The details lie over the list, and this shows them. */
  sheet: boolean;
  onOpen: () => void;
}

export function LogsView({ state, search, sheet, onOpen }: Props) {
  const { model: t, selected: node, find } = state;
  const logs = useTraceLogs(t);
  const spanEvents = useTraceEvents(t);
  const { events } = spanEvents;
  const all = useMemo(() => together(itemsOfLogs(t, logs.logs), itemsOfEvents(t, events)), [t, logs.logs, events]);
  const within = search.here ? node : undefined;
  const items = useMemo(
    () => chosen(t, all, { text: find.text, level: search.level, within }),
    [t, all, find.text, search.level, within],
  );
  const [current, setCurrent] = useState<string | null>(null);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const viewport = useRef<HTMLDivElement>(null);
  const { select } = state;
  const pick = useCallback(
    (item: TraceLogItem) => {
      setCurrent(item.id);
      if (item.node >= 0) select(item.node);
    },
    [select],
  );
  const toggle = (id: string) =>
    setOpen((old) => {
      const next = new Set(old);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  useLogMoves({ items, current, pick, toggle, closeAll: () => setOpen(new Set()), show: onOpen });
  const columns = useMemo(() => columnsOf(t), [t]);
  const start = t.skeleton.start_time;
  const nothing = items.length === 0 && !logs.pending && !spanEvents.pending;
  return (
    <>
      <div className={styles.wrap}>
        <LogList
          label="Logs of the trace"
          items={items}
          loading={logs.pending}
          hasMore={false}
          viewport={viewport}
          columns={columns}
          timeHead="After"
          timeWidth={66}
          timeOf={(item) => offset(item.time - start)}
          selected={current}
          open={open}
          onPick={(item) => {
            pick(item);
            toggle(item.id);
          }}
          renderDetail={(item) => (
            <LogDetail
              record={item.record}
              actions={sheet && item.node >= 0 ? <Button onClick={onOpen}>Details of the span</Button> : null}
            />
          )}
          marked={(item) => node > 0 && item.node === node}
        />
        {nothing ? (
          <div className={styles.instead}>
            {logs.error ? (
              <ErrorState title="The logs could not be loaded" error={logs.error} onRetry={logs.retry} />
            ) : all.length > 0 ? (
              <NothingMatches state={state} count={all.length} />
            ) : (
              <EmptyState title="This trace has no logs">
                <p>
                  Log records show here when they carry the trace's id, and so do the events of its spans. Instrumented
                  loggers of OpenTelemetry add the id by themselves.
                </p>
              </EmptyState>
            )}
          </div>
        ) : null}
      </div>
      <Footer t={t} shown={items.length} all={all.length} logs={logs} events={spanEvents} />
    </>
  );
}

function NothingMatches({ state, count }: { state: TraceState; count: number }) {
  const clear = () => {
    state.find.setText("");
    state.url.set({ level: undefined, here: undefined });
  };
  return (
    <EmptyState title="No records match" actions={<Button onClick={clear}>Clear the filter</Button>}>
      <p>The trace has {plural(count, "record")} in all.</p>
    </EmptyState>
  );
}

/** Time after the start of the trace; before it for clocks that do not agree. */
const offset = (us: number): string => (us < 0 ? `−${formatDuration(-us)}` : formatDuration(us));

const columnsOf = (t: TraceModel): Column<TraceLogItem>[] => [
  {
    id: "span",
    head: "Span",
    width: 150,
    cell: (item) =>
      item.node < 0 ? (
        <span className={styles.none}>{item.record.service ?? "no span"}</span>
      ) : (
        <span className={styles.span}>
          <TypeIcon type={typeOf(t, item.node)} />
          <span className="ellipsis" title={nameOf(t, item.node)}>
            {nameOf(t, item.node)}
          </span>
        </span>
      ),
  },
  {
    id: "source",
    head: "",
    width: 36,
    after: true,
    cell: (item) => (item.source === "event" ? <span className={styles.source}>event</span> : null),
  },
];

interface Moves {
  items: readonly TraceLogItem[];
  current: string | null;
  pick: (item: TraceLogItem) => void;
  toggle: (id: string) => void;
  closeAll: () => void;
  show: () => void;
}

const PAGE_ROWS = 20;

function useLogMoves({ items, current, pick, toggle, closeAll, show }: Moves): void {
  const at = () => (current === null ? -1 : items.findIndex((item) => item.id === current));
  const go = (index: number) => {
    const item = items[Math.max(0, Math.min(items.length - 1, index))];
    if (item) pick(item);
  };
  const group = "Logs";
  const move = { group, keysOnly: true };
  useCommands([
    { ...move, id: "log-next", title: "Next record", keys: ["j", "ArrowDown"], run: () => go(at() + 1) },
    { ...move, id: "log-previous", title: "Previous record", keys: ["k", "ArrowUp"], run: () => go(at() - 1) },
    { ...move, id: "log-down", title: "Down a page", keys: ["PageDown"], run: () => go(at() + PAGE_ROWS) },
    { ...move, id: "log-up", title: "Up a page", keys: ["PageUp"], run: () => go(at() - PAGE_ROWS) },
    { ...move, id: "log-first", title: "First record", keys: ["Home"], run: () => go(0) },
    { ...move, id: "log-last", title: "Last record", keys: ["End"], run: () => go(items.length - 1) },
    {
      group,
      id: "log-unfold",
      title: "Unfold or fold the record",
      keys: ["Enter", " "],
      run: () => {
        const item = items[Math.max(0, at())];
        if (!item) return;
        pick(item);
        toggle(item.id);
      },
    },
    { group, id: "log-span", title: "Details of the span", keys: ["o"], run: show },
    { ...move, id: "log-close", title: "Fold all records", keys: ["Escape"], run: closeAll },
  ]);
}

function Footer(props: { t: TraceModel; shown: number; all: number; logs: TraceLogs; events: TraceEvents }) {
  const { t, shown, all, logs, events } = props;
  const { trace_id: trace, project } = t.skeleton;
  return (
    <footer className={styles.footer} aria-label="Totals">
      {logs.pending ? null : (
        <span className="num">
          {shown === all ? plural(all, "record") : `${formatInt(shown)} of ${plural(all, "record")}`}
        </span>
      )}
      {logs.cut ? <span>The list ends at {formatInt(MAX_RECORDS)} log records</span> : null}
      {events.pending ? (
        <span className="num" role="status">
          reading events of spans…
        </span>
      ) : events.cut ? (
        <span>The list ends at {formatInt(MAX_RECORDS)} events of spans</span>
      ) : null}
      <span className="grow" />
      <Link to="/p/$project/logs" params={{ project: project.name }} search={{ trace, t: "all" }}>
        Show in the project's logs
      </Link>
    </footer>
  );
}
