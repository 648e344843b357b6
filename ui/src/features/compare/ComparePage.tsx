import { Link } from "@tanstack/react-router";
import { FlaskConical } from "lucide-react";
import { useRef, useState } from "react";
import { isAbsent } from "@/lib/api/client";
import { useCommands } from "@/lib/commands";
import { cx } from "@/lib/cx";
import { formatInt, plural } from "@/lib/format";
import { useTitle } from "@/lib/title";
import { ListFooter } from "@/components/ListFooter";
import { NoDataset } from "@/components/NoDataset";
import { EmptyState, ErrorState } from "@/components/Notice";
import { Page, PageBar } from "@/components/PageBar";
import { Splitter } from "@/components/Splitter";
import styles from "./ComparePage.module.css";
import { Grid } from "./Grid";
import { showIndex } from "./layout";
import { worst } from "./model";
import { Pane } from "./Pane";
import { Toolbar } from "./Toolbar";
import { type ComparisonState, route, useComparison } from "./useComparison";
import { Verdict } from "./Verdict";

const HINTS = [
  [["j", "k"], "move"],
  [["1", "9"], "column"],
  [["Enter"], "open"],
  [["o"], "trace"],
] as const;

/** Experiments beside each other: a verdict, the figures, and every example with its answers. */
export function ComparePage() {
  const state = useComparison();
  const { columns, project, datasetId, search, dataset } = state;
  useTitle(columns.length > 1 ? `${columns.map((one) => one.name).join(" and ")}` : (columns[0]?.name ?? "Compare"));
  const viewport = useRef<HTMLDivElement>(null);
  const [current, setCurrent] = useCurrent(state, viewport);
  const open = search.example === undefined ? undefined : state.rows.find((row) => row.id === search.example);
  const failed = state.experiments.error ?? state.runs.error;
  const none =
    state.ids.length === 0 ||
    isAbsent(state.experiments.error) ||
    (state.experiments.isSuccess && columns.length === 0);
  const missing = state.experiments.isSuccess ? state.ids.length - columns.length : 0;
  return (
    <Page busy={state.loading && !none && !failed}>
      <PageBar
        project={project}
        parents={[
          <Link
            key="all"
            to="/p/$project/datasets"
            params={{ project }}
            activeOptions={{ exact: true }}
            className="ellipsis"
          >
            Datasets
          </Link>,
          <Link
            key="one"
            to="/p/$project/datasets/$datasetId"
            params={{ project, datasetId }}
            search={{ tab: "experiments", pick: search.ids }}
            className="ellipsis"
            activeOptions={{ exact: true }}
          >
            {dataset.data?.name ?? "Dataset"}
          </Link>,
        ]}
        current={columns.length > 1 ? `Compare ${columns.length} experiments` : (columns[0]?.name ?? "Compare")}
      />
      {isAbsent(dataset.error) ? (
        <NoDataset project={project} datasetId={datasetId} />
      ) : none ? (
        <NothingChosen project={project} datasetId={datasetId} asked={state.ids.length} />
      ) : failed && state.rows.length === 0 ? (
        <ErrorState
          title="The experiments could not be loaded"
          error={failed}
          onRetry={() => void (state.experiments.isError ? state.experiments.refetch() : state.runs.refetch())}
        />
      ) : (
        <>
          <Verdict state={state} missing={missing} />
          <Toolbar state={state} />
          <div className={cx(styles.body, open && styles.withPane)}>
            <Grid state={state} viewport={viewport} current={current} onCurrent={setCurrent} />
            {open ? (
              <>
                <Splitter name="compare.pane" label="Width of the example" initial={620} min={420} max={1200} />
                <Pane state={state} row={open} />
              </>
            ) : null}
          </div>
          <ListFooter hints={HINTS}>
            <span>
              {search.only
                ? `${formatInt(state.order.length)} of ${plural(state.rows.length, "example")}`
                : plural(state.rows.length, "example")}
              {state.loading ? " so far" : ""}
            </span>
            {failed ? (
              <span className={styles.failed} role="alert">
                Not all could be loaded: {failed.message}{" "}
                <button type="button" className={styles.again} onClick={() => void state.runs.fetchNextPage()}>
                  Retry
                </button>
              </span>
            ) : null}
          </ListFooter>
        </>
      )}
    </Page>
  );
}

function NothingChosen({ project, datasetId, asked }: { project: string; datasetId: string; asked: number }) {
  return (
    <EmptyState
      icon={<FlaskConical size={24} aria-hidden />}
      title={asked > 0 ? "These experiments do not exist" : "No experiments are chosen"}
    >
      <p>
        {asked > 0 ? "They may have been deleted. " : ""}
        <Link to="/p/$project/datasets/$datasetId" params={{ project, datasetId }} search={{ tab: "experiments" }}>
          Choose from the experiments of the dataset
        </Link>
      </p>
    </EmptyState>
  );
}

/** The row with the cursor, and the keys that move it. */
function useCurrent(state: ComparisonState, viewport: { current: HTMLDivElement | null }) {
  const { order, rows, columns, search, set } = state;
  const navigate = route.useNavigate();
  const [cursor, setCursor] = useState<string | null>(null);
  const current = search.example ?? cursor;
  const place = order.findIndex((index) => rows[index].id === current);
  const goTo = (to: number) => {
    const next = Math.min(order.length - 1, Math.max(0, to));
    const row = rows[order[next]];
    if (!row) return;
    setCursor(row.id);
    if (search.example !== undefined) set({ example: row.id });
    if (!viewport.current) return;
    // Enter is for the row from now on, not for the button that was clicked before.
    viewport.current.focus({ preventScroll: true });
    showIndex(viewport.current, next);
  };
  const openTrace = () => {
    const cell = rows[order[place]]?.cells.get(state.other);
    const experiment = columns[state.focus];
    if (!cell || !experiment) return;
    const attempt = worst(cell, state.counted, state.direction);
    void navigate({
      to: "/p/$project/traces/$traceId",
      params: { project: experiment.name, traceId: attempt.traceId },
      search: { span: attempt.runId },
    });
  };
  useCommands([
    {
      id: "down",
      title: "Next example",
      group: "Comparison",
      keys: ["j", "ArrowDown"],
      run: () => goTo(place + 1),
      keysOnly: true,
    },
    {
      id: "up",
      title: "Previous example",
      group: "Comparison",
      keys: ["k", "ArrowUp"],
      run: () => goTo(place < 0 ? 0 : place - 1),
      keysOnly: true,
    },
    { id: "first", title: "First example", group: "Comparison", keys: ["Home"], run: () => goTo(0), keysOnly: true },
    {
      id: "last",
      title: "Last example",
      group: "Comparison",
      keys: ["End"],
      run: () => goTo(order.length - 1),
      keysOnly: true,
    },
    {
      id: "open",
      title: "Open the example",
      group: "Comparison",
      keys: ["Enter", " "],
      run: () => current !== null && set({ example: search.example === undefined ? current : undefined }),
    },
    {
      id: "close",
      title: "Close the example",
      group: "Comparison",
      keys: ["Escape"],
      when: () => search.example !== undefined,
      run: () => {
        setCursor(search.example ?? null);
        set({ example: undefined });
      },
    },
    { id: "trace", title: "Open the trace of the run", group: "Comparison", keys: ["o"], run: openTrace },
    {
      id: "worse",
      title: "Only what got worse",
      group: "Comparison",
      keys: ["w"],
      run: () => set({ only: search.only === "worse" ? undefined : "worse" }),
    },
    {
      id: "diff",
      title: "Compare outputs with the reference or the baseline",
      group: "Comparison",
      keys: ["d"],
      run: () => set({ diff: search.diff === "baseline" ? undefined : "baseline" }),
    },
    ...columns.slice(0, 9).map((experiment, index) => ({
      id: `column-${index}`,
      title: index === 0 ? `Baseline: ${experiment.name}` : `Column ${index + 1}: ${experiment.name}`,
      group: "Comparison",
      keys: [String(index + 1)],
      when: () => index > 0,
      run: () => set({ col: index === 1 ? undefined : String(index + 1) }),
    })),
  ]);
  return [current, setCursor] as const;
}
