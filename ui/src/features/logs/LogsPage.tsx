import { getRouteApi, Link } from "@tanstack/react-router";
import { ArrowDownUp, ListTree, Radio } from "lucide-react";
import { useMemo, useRef, useState } from "react";
import type { Level, LogRow } from "@/lib/api/telemetry";
import { formatClock, formatInt, plural } from "@/lib/format";
import { lineOf } from "@/lib/log-text";
import { readSetting, writeSetting } from "@/lib/storage";
import { isToday, rangeSpan } from "@/lib/time-range";
import { useTitle } from "@/lib/title";
import { useDefaultRange } from "@/lib/use-default-range";
import { Button } from "@/components/Button";
import { CopyButton } from "@/components/CopyButton";
import { type Hint, ListFooter } from "@/components/ListFooter";
import { LogDetail } from "@/components/log/LogDetail";
import { type Column, type LogItem, LogList } from "@/components/log/LogList";
import { ErrorState } from "@/components/Notice";
import { Page, PageBar } from "@/components/PageBar";
import { RangePicker } from "@/components/RangePicker";
import { Waiting } from "@/components/Waiting";
import { Filters } from "./Filters";
import styles from "./LogsPage.module.css";
import { Nothing } from "./Nothing";
import { type LogsSearch, searchOfRecord, validateLogsSearch } from "./search";
import { useLogKeys } from "./useLogKeys";
import { type Logs, MAX_ROWS, useLogs } from "./useLogs";

const route = getRouteApi("/p/$project/logs");

const HINTS: readonly Hint[] = [
  [["j", "k"], "move"],
  [["Enter"], "unfold"],
  [["o"], "trace"],
  [["l"], "live"],
];

export function LogsPage() {
  const { project } = route.useParams();
  // A project is another list: nothing of the old one may stay.
  return <LogsOf key={project} project={project} />;
}

/** A record as the list draws it. */
interface Item extends LogItem {
  row: LogRow;
}

/** Records never change, so each is made ready once: a long list grows by pages. */
const ready = new WeakMap<LogRow, Item>();

function itemOf(row: LogRow): Item {
  const known = ready.get(row);
  if (known) return known;
  const item = { id: row.id, time: row.time, level: row.level, name: row.event_name, text: lineOf(row), row };
  ready.set(row, item);
  return item;
}

function LogsOf({ project }: { project: string }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const standard = useDefaultRange(project);
  const { q, t = standard, severity, service, trace, record, order } = search;
  useTitle(`Logs of ${project}`);
  const set = (patch: LogsSearch, replace = false) =>
    void navigate({ search: (old) => validateLogsSearch({ ...old, ...patch }), replace });

  const [live, setLive] = useState(() => readSetting("live-logs") !== "0");
  const [reading, setReading] = useState({ hover: false, scrolled: false });
  // The record that the address names is shown whole.
  const [selected, setSelected] = useState<string | null>(record ?? null);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set(record ? [record] : []));
  // A stretch that has ended gets no new records at its top.
  const canLive = order !== "oldest" && isOpenEnded(t);
  const logs = useLogs(
    project,
    { id: record, q, t, severity, service, trace, order },
    { on: live && canLive, paused: reading.hover || reading.scrolled || open.size > 0 },
  );
  const viewport = useRef<HTMLDivElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const items = useMemo(() => logs.rows.map(itemOf), [logs.rows]);
  const toggle = (id: string) => setOpen((old) => toggled(old, id));
  const toggleLive = () => {
    setLive(!live);
    writeSetting("live-logs", live ? "0" : null);
  };
  useLogKeys({
    items,
    selected,
    select: setSelected,
    toggle,
    closeAll: () => (open.size > 0 ? setOpen(new Set()) : setSelected(null)),
    viewport,
    focusFilter: () => input.current?.focus(),
    toggleLive,
    openTrace: (item) => {
      const { trace_id: traceId, run_id: span } = item.row;
      if (traceId)
        void navigate({
          to: "/p/$project/traces/$traceId",
          params: { project, traceId },
          search: { span: span ?? undefined },
        });
    },
  });
  // In order of time, so both ends tell about all.
  const dated = [logs.rows[0], logs.rows.at(-1)].some((row) => row !== undefined && !isToday(row.time));
  const columns = useMemo(() => columnsOf(project), [project]);
  return (
    <Page busy={logs.refreshing}>
      <PageBar
        project={project}
        current="Logs"
        actions={
          <>
            <Button
              pressed={live && canLive}
              disabled={!canLive}
              icon={<Radio size={13} aria-hidden />}
              onClick={toggleLive}
              aria-label="Live"
              title={
                canLive ? "New records enter by themselves  L" : "Live needs newest first and a range without an end"
              }
            >
              <span className={styles.roomy}>Live</span>
            </Button>
            <RangePicker value={t} onChange={(range) => set({ t: range })} />
          </>
        }
      />
      <Filters search={search} set={set} inputRef={input}>
        <Button
          look="ghost"
          icon={<ArrowDownUp size={13} aria-hidden />}
          onClick={() => set({ order: order === "oldest" ? undefined : "oldest" })}
          aria-label={order === "oldest" ? "Oldest first" : "Newest first"}
          title={`${order === "oldest" ? "Oldest" : "Newest"} first. Click to turn around`}
        >
          <span className={styles.roomy}>{order === "oldest" ? "Oldest first" : "Newest first"}</span>
        </Button>
      </Filters>
      <div className={styles.wrap}>
        <LogList
          label="Logs"
          items={items}
          loading={logs.loading}
          hasMore={logs.hasMore}
          loadMore={logs.loadMore}
          viewport={viewport}
          columns={columns}
          timeHead="Time"
          timeWidth={dated ? 138 : 84}
          timeOf={(item) => formatClock(item.time, dated)}
          selected={selected}
          open={open}
          onPick={(item) => {
            setSelected(item.id);
            toggle(item.id);
          }}
          renderDetail={(item) => (
            <LogDetail record={item.row} actions={<Actions project={project} row={item.row} set={set} />} />
          )}
          onScroll={(top) => {
            const scrolled = top > 12;
            setReading((old) => (old.scrolled === scrolled ? old : { ...old, scrolled }));
          }}
          onHover={(hover) => setReading((old) => (old.hover === hover ? old : { ...old, hover }))}
        />
        {logs.rows.length === 0 && !logs.loading ? (
          <div className={styles.instead}>
            {logs.error ? (
              <ErrorState title="The logs could not be loaded" error={logs.error} onRetry={logs.retry} />
            ) : (
              <Nothing project={project} search={search} t={t} set={set} />
            )}
          </div>
        ) : null}
        <Waiting
          count={logs.waiting}
          noun="record"
          onShow={() => {
            viewport.current?.scrollTo({ top: 0 });
            logs.showWaiting();
          }}
        />
      </div>
      <Footer logs={logs} />
    </Page>
  );
}

function toggled(old: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const next = new Set(old);
  if (!next.delete(id)) next.add(id);
  return next;
}

/** True for `24h`, `all` and ranges without an end. */
function isOpenEnded(t: string): boolean {
  return !t.includes("..") || rangeSpan(t).to === null;
}

const columnsOf = (project: string): Column<Item>[] => [
  { id: "service", head: "Service", width: 128, cell: ({ row }) => <span className="ellipsis">{row.service}</span> },
  {
    id: "trace",
    head: "Trace",
    width: 78,
    after: true,
    cell: ({ row }) =>
      row.trace_id ? (
        <Link
          to="/p/$project/traces/$traceId"
          params={{ project, traceId: row.trace_id }}
          search={{ span: row.run_id ?? undefined }}
          className={styles.trace}
          title="Open the trace  O"
          tabIndex={-1}
        >
          <ListTree size={12} aria-hidden />
          <span className="mono">{row.trace_id.slice(0, 8)}</span>
        </Link>
      ) : null,
  },
];

/** Where a record leads: its trace, and the list of those like it. */
function Actions({ project, row, set }: { project: string; row: LogRow; set: (patch: LogsSearch) => void }) {
  const { trace_id: traceId, run_id: span, service, level } = row;
  const link = () => {
    const address = new URL(location.href);
    address.search = new URLSearchParams(searchOfRecord(row)).toString();
    return address.href;
  };
  return (
    <span className={styles.actions}>
      <CopyButton text={link} label="Copy link" showLabel />
      {traceId ? (
        <>
          <Link
            to="/p/$project/traces/$traceId"
            params={{ project, traceId }}
            search={{ span: span ?? undefined }}
            className={styles.open}
          >
            <ListTree size={13} aria-hidden />
            {span ? "Open the run" : "Open the trace"}
          </Link>
          <Button look="ghost" onClick={() => set({ trace: traceId })}>
            Only this trace
          </Button>
        </>
      ) : null}
      {service ? (
        <Button look="ghost" onClick={() => set({ service })}>
          Only {service}
        </Button>
      ) : null}
      {level && level !== "trace" ? (
        <Button look="ghost" onClick={() => set({ severity: level as Level })}>
          {level === "fatal" ? "Only fatal" : `${level[0].toUpperCase()}${level.slice(1)} and worse`}
        </Button>
      ) : null}
    </span>
  );
}

function Footer({ logs }: { logs: Logs }) {
  const { rows, hasMore, loading } = logs;
  return (
    <ListFooter hints={HINTS}>
      {loading ? null : (
        <span>
          <b>{hasMore ? `${formatInt(rows.length)}+` : formatInt(rows.length)}</b>{" "}
          {plural(rows.length, "record").replace(/^\S+ /, "")} {hasMore ? "loaded" : ""}
        </span>
      )}
      {rows.length >= MAX_ROWS ? (
        <span>The list ends at {formatInt(MAX_ROWS)} records: filter to see the rest</span>
      ) : null}
    </ListFooter>
  );
}
