import { getRouteApi } from "@tanstack/react-router";
import { ListFilter, ListTree, Radio, Rows3, SearchX } from "lucide-react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useQuery } from "@tanstack/react-query";
import { isBadFilter } from "@/lib/api/client";
import { facetsQuery, projectsQuery } from "@/lib/api/queries";
import { useMediaQuery } from "@/lib/media";
import { readSetting, writeSetting } from "@/lib/storage";
import { traceList } from "@/lib/trace-list";
import { Button } from "@/components/Button";
import { ErrorBoundary } from "@/components/ErrorBoundary";
import { EmptyState, ErrorState } from "@/components/Notice";
import { Page, PageBar } from "@/components/PageBar";
import { Segmented } from "@/components/Segmented";
import { ColumnMenu } from "./ColumnMenu";
import { WIDE } from "./columns";
import { Facets } from "./Facets";
import { FilterBar } from "./FilterBar";
import { pickValue, type PickMode } from "./filter";
import { Histogram } from "./Histogram";
import { List } from "./List";
import { Nothing } from "./Nothing";
import { Peek } from "./Peek";
import { RangePicker } from "./RangePicker";
import type { ListRow } from "./rows";
import { DEFAULT_SORT, type TracesSearch, type Unit, validateTracesSearch } from "./search";
import { absoluteRange, defaultRange } from "./timeRange";
import { Totals } from "./Totals";
import styles from "./TracesPage.module.css";
import { useColumns } from "./useColumns";
import { useListKeys } from "./useListKeys";
import { useRows } from "./useRows";

const route = getRouteApi("/p/$project/traces");
const wideScreen = matchMedia(`(min-width: ${WIDE + 280}px)`);
const UNIT_OPTIONS = [
  { value: "traces", label: "Traces", icon: <ListTree size={12} aria-hidden /> },
  { value: "runs", label: "Runs", icon: <Rows3 size={12} aria-hidden /> },
] as const;

export function TracesPage() {
  const { project } = route.useParams();
  // A project is another list: nothing of the old one may stay.
  return <TracesOf key={project} project={project} />;
}

function TracesOf({ project }: { project: string }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const standardRange = useDefaultRange(project);
  const { q = "", t = standardRange, sort = DEFAULT_SORT, unit = "traces", peek = null } = search;

  /** `replace` for what is no place of its own: typing, the row under the peek pane. */
  const setSearch = useCallback(
    (patch: TracesSearch, replace = false) =>
      void navigate({ search: (old) => validateTracesSearch({ ...old, ...patch }), replace }),
    [navigate],
  );
  const [reading, setReading] = useState({ hover: false, scrolled: false });
  const [live, setLive] = useState(() => readSetting("live") !== "0");
  const [selected, setSelected] = useState<string | null>(null);
  const [facetsOpen, setFacetsOpen] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const rows = useRows(
    { project, unit, q, t, sort },
    { on: live, paused: reading.hover || reading.scrolled || peek !== null, onStop: () => setLive(false) },
  );
  const wide = useMediaQuery(wideScreen);
  const columns = useColumns(unit, search.cols, wide, (cols) => setSearch({ cols }, true));
  const facets = useQuery(facetsQuery(project, { q, t }));
  useTraceOrder(project, unit, rows.rows);

  const open = useCallback(
    (row: ListRow, newTab = false) => {
      const target = {
        to: "/p/$project/traces/$traceId",
        params: { project, traceId: row.traceId },
        search: row.key === row.traceId ? {} : { span: row.runId },
      } as const;
      setSelected(row.key);
      if (newTab) window.open(`${location.pathname}/${row.traceId}`, "_blank", "noopener");
      else void navigate(target);
    },
    [navigate, project],
  );
  const pick = (field: string, value: string, how: PickMode) => setSearch({ q: pickValue(q, field, value, how) });
  const toggleLive = () => {
    setLive(!live);
    writeSetting("live", live ? "0" : null);
  };
  const brush = useBrushUndo(t, (range) => setSearch({ t: range }));
  const peeked = peek === null ? undefined : rows.rows.find((row) => row.key === peek);
  const closePeek = () => setSearch({ peek: undefined }, true);
  const setPeek = (row: ListRow) => {
    setSelected(row.key);
    setSearch({ peek: row.key }, peek !== null);
  };
  const viewport = useRef<HTMLDivElement>(null);
  const current = peek ?? selected;
  useListKeys({
    rows: rows.rows,
    current,
    viewport,
    select: (row) => (peek === null ? setSelected(row.key) : setPeek(row)),
    open,
    togglePeek: (row) => (peek === row.key ? closePeek() : setPeek(row)),
    focusFilter: () => input.current?.focus(),
    toggleLive,
    escape: () => {
      if (peek !== null) closePeek();
      else if (!brush.undo()) setSelected(null);
    },
  });

  const badFilter = isBadFilter(rows.error);
  return (
    <Page busy={rows.refreshing}>
      <PageBar
        project={project}
        current={unit === "traces" ? "Traces" : "Runs"}
        actions={
          <>
            <Button
              pressed={live}
              icon={<Radio size={13} aria-hidden />}
              onClick={toggleLive}
              aria-label="Live"
              title="New rows enter by themselves  L"
            >
              <span className={styles.roomy}>Live</span>
            </Button>
            <RangePicker value={t} onChange={(range) => setSearch({ t: range })} />
          </>
        }
      >
        <Segmented<Unit>
          label="Unit"
          value={unit}
          options={UNIT_OPTIONS}
          onChange={(next) => setSearch({ unit: next, peek: undefined, cols: undefined })}
        />
      </PageBar>
      <FilterBar
        value={q}
        onChange={(filter, typing) => setSearch({ q: filter }, typing)}
        facets={facets.data ?? []}
        error={rows.error}
        inputRef={input}
      >
        <Button
          look="ghost"
          className={styles.facetsButton}
          pressed={facetsOpen}
          icon={<ListFilter size={13} aria-hidden />}
          onClick={() => setFacetsOpen(!facetsOpen)}
        >
          Facets
        </Button>
        <ColumnMenu unit={unit} rows={rows.rows} columns={columns} />
      </FilterBar>
      <ErrorBoundary title="The chart failed" resetKey={t}>
        <Histogram project={project} q={q} t={t} onBrush={(from, to) => brush.start(absoluteRange(from, to))} />
      </ErrorBoundary>
      <div className={styles.body} data-facets={facetsOpen || undefined} data-peek={peeked !== undefined || undefined}>
        <ErrorBoundary title="The facets failed" resetKey={q}>
          <Facets project={project} q={q} t={t} onPick={pick} />
        </ErrorBoundary>
        <div className={styles.list}>
          <List
            project={project}
            unit={unit}
            rows={rows}
            columns={columns.shown}
            sort={sort}
            current={current}
            viewport={viewport}
            place={`${project} ${unit} ${q} ${t} ${sort}`}
            onSort={(next) => setSearch({ sort: next })}
            onOpen={open}
            onPeek={setPeek}
            onPick={pick}
            onReading={setReading}
          >
            {rows.error && rows.rows.length === 0 && !badFilter ? (
              <ErrorState title={`The ${unit} could not be loaded`} error={rows.error} onRetry={rows.retry} />
            ) : badFilter && rows.rows.length === 0 ? (
              <EmptyState
                icon={<SearchX size={24} aria-hidden />}
                title="The filter cannot be read"
                actions={<Button onClick={() => setSearch({ q: "" })}>Clear the filter</Button>}
              />
            ) : !rows.loading && !rows.error && rows.rows.length === 0 ? (
              <Nothing
                project={project}
                unit={unit}
                q={q}
                t={t}
                onFilter={(filter) => setSearch({ q: filter })}
                onRange={(range) => setSearch({ t: range })}
              />
            ) : null}
          </List>
          <Totals project={project} unit={unit} q={q} t={t} loaded={rows.rows.length} />
        </div>
        {peeked ? (
          <ErrorBoundary title="The peek pane failed" resetKey={peek}>
            <Peek project={project} row={peeked} onClose={closePeek} onOpen={open} />
          </ErrorBoundary>
        ) : null}
      </div>
    </Page>
  );
}

/** Settled once the project is known, so that the list does not change its stretch while it is read. */
function useDefaultRange(project: string): string {
  const { data } = useQuery(projectsQuery());
  const [settled, setSettled] = useState<string | null>(null);
  const known = data?.find((item) => item.name === project || item.id === project);
  if (known && settled === null) setSettled(defaultRange(known.last_run_at));
  return settled ?? defaultRange(null);
}

/** Tells the trace page which trace comes next. */
function useTraceOrder(project: string, unit: Unit, rows: readonly ListRow[]): void {
  const ids = useMemo(() => [...new Set(rows.map((row) => row.traceId))], [rows]);
  useEffect(() => {
    if (unit === "traces" && ids.length > 0) traceList.set({ project, ids });
  }, [project, unit, ids]);
}

/** Esc takes back the last stretch that was dragged, as long as it is still the range. */
function useBrushUndo(range: string, setRange: (range: string) => void) {
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
