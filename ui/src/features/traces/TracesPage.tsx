import { getRouteApi } from "@tanstack/react-router";
import { ListFilter, ListTree, Radio, Rows3, SearchX } from "lucide-react";
import { useQuery } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { isBadFilter } from "@/lib/api/client";
import { facetsQuery } from "@/lib/api/queries";
import { useMediaQuery } from "@/lib/media";
import { useTitle } from "@/lib/title";
import { Button } from "@/components/Button";
import { ErrorBoundary } from "@/components/ErrorBoundary";
import { EmptyState, ErrorState } from "@/components/Notice";
import { Page, PageBar } from "@/components/PageBar";
import { Segmented } from "@/components/Segmented";
import { ColumnMenu } from "./ColumnMenu";
import { DeleteMatching } from "./DeleteMatching";
import { WIDE } from "./columns";
import { Facets } from "./Facets";
import { FilterBar } from "./FilterBar";
import { Histogram } from "./Histogram";
import { List } from "./List";
import { Marked } from "./Marked";
import { Nothing } from "./Nothing";
import { Peek } from "./Peek";
import { RangePicker } from "@/components/RangePicker";
import type { Unit } from "./search";
import { absoluteRange } from "@/lib/time-range";
import { Totals } from "./Totals";
import styles from "./TracesPage.module.css";
import { useColumns } from "./useColumns";
import { type ListState, useBrushUndo, useList } from "./useList";
import { useListKeys } from "./useListKeys";

const route = getRouteApi("/p/$project/traces");
/** What stands beside the table: the rail, the facets. */
const BESIDE = 280;
const wideScreen = matchMedia(`(min-width: ${WIDE + BESIDE}px)`);

export function TracesPage() {
  const { project } = route.useParams();
  // A project is another list: nothing of the old one may stay.
  return <TracesOf key={project} project={project} />;
}

function TracesOf({ project }: { project: string }) {
  const list = useList(project);
  const { q, t, unit, rows, peek } = list;
  useTitle(`${unit === "traces" ? "Traces" : "Runs"} of ${project}`);
  const [facetsOpen, setFacetsOpen] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const viewport = useRef<HTMLDivElement>(null);
  const columns = useColumns(unit, list.cols, useMediaQuery(wideScreen), (cols) => list.setSearch({ cols }, true));
  const facets = useQuery(facetsQuery(project, { q, t }));
  const brush = useBrushUndo(t, (range) => list.setSearch({ t: range }));
  useListKeys({
    list,
    viewport,
    focusFilter: () => input.current?.focus(),
    escape: () => {
      if (peek !== null) list.setPeek(null);
      else if (list.marking.rows.length > 0) list.marking.clear();
      else if (!brush.undo()) list.select(null);
    },
  });
  const peeked = peek === null ? undefined : rows.rows.find((row) => row.key === peek);
  return (
    <Page busy={rows.refreshing}>
      <Bar project={project} list={list} />
      <FilterBar
        value={q}
        onChange={(filter, typing) => list.setSearch({ q: filter }, typing)}
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
        <DeleteMatching project={project} q={q} t={t} onDeleted={() => list.select(null)} />
        <span className={styles.columns}>
          <ColumnMenu unit={unit} rows={rows.rows} columns={columns} />
        </span>
      </FilterBar>
      <ErrorBoundary title="The chart failed" resetKey={t}>
        <Histogram project={project} q={q} t={t} onBrush={(from, to) => brush.start(absoluteRange(from, to))} />
      </ErrorBoundary>
      <div className={styles.body} data-facets={facetsOpen || undefined} data-peek={peeked !== undefined || undefined}>
        <ErrorBoundary title="The facets failed" resetKey={q}>
          <Facets project={project} q={q} t={t} onPick={list.pick} />
        </ErrorBoundary>
        <div className={styles.list}>
          <List project={project} list={list} columns={columns.shown} chosen={columns.custom} viewport={viewport}>
            <Instead project={project} list={list} />
          </List>
          {list.marking.rows.length > 0 ? (
            <Marked project={project} unit={unit} marking={list.marking} onDeleted={() => list.select(null)} />
          ) : (
            <Totals project={project} unit={unit} q={q} t={t} loaded={rows.rows.length} />
          )}
        </div>
        {peeked ? (
          <ErrorBoundary title="The peek pane failed" resetKey={peek}>
            <Peek project={project} row={peeked} onClose={() => list.setPeek(null)} onOpen={list.open} />
          </ErrorBoundary>
        ) : null}
      </div>
    </Page>
  );
}

const UNIT_OPTIONS = [
  { value: "traces", label: "Traces", icon: <ListTree size={12} aria-hidden /> },
  { value: "runs", label: "Runs", icon: <Rows3 size={12} aria-hidden /> },
] as const;

function Bar({ project, list }: { project: string; list: ListState }) {
  const { unit, t, live, setSearch } = list;
  return (
    <PageBar
      project={project}
      current={unit === "traces" ? "Traces" : "Runs"}
      actions={
        <>
          <Button
            pressed={live}
            icon={<Radio size={13} aria-hidden />}
            onClick={list.toggleLive}
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
  );
}

/** What is shown when there are no rows. */
function Instead({ project, list }: { project: string; list: ListState }) {
  const { rows, unit, q, t, setSearch } = list;
  if (rows.rows.length > 0 || rows.loading) return null;
  if (isBadFilter(rows.error))
    return (
      <EmptyState
        icon={<SearchX size={24} aria-hidden />}
        title="The filter cannot be read"
        actions={<Button onClick={() => setSearch({ q: "" })}>Clear the filter</Button>}
      />
    );
  if (rows.error)
    return <ErrorState title={`The ${unit} could not be loaded`} error={rows.error} onRetry={rows.retry} />;
  return (
    <Nothing
      project={project}
      unit={unit}
      q={q}
      t={t}
      onFilter={(filter) => setSearch({ q: filter })}
      onRange={(range) => setSearch({ t: range })}
    />
  );
}
