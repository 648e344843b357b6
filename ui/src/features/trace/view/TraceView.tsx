import { lazy, Suspense, useCallback, useState } from "react";
import { cx } from "@/lib/cx";
import { plural } from "@/lib/format";
import { useMedia } from "@/lib/use-media";
import { ErrorBoundary } from "@/components/ErrorBoundary";
import { Splitter } from "@/components/Splitter";
import { tabsOf } from "../detail/tabs";
import { Detail } from "../detail/Detail";
import { keyOf, type TraceModel } from "../model/types";
import type { TraceSearch } from "../search";
import { useTraceState } from "../state/useTraceState";
import { Grid, GRID_ID } from "./Grid";
import styles from "./layout.module.css";
import { Legend } from "./Legend";
import { Overview } from "./Overview";
import { Toolbar } from "./Toolbar";
import { TraceBar } from "./TraceBar";
import { useTraceKeys } from "./useTraceKeys";
import { VerdictStrip } from "./VerdictStrip";

const LogsToolbar = lazy(async () => ({ default: (await import("../logs/LogsToolbar")).LogsToolbar }));
const LogsView = lazy(async () => ({ default: (await import("../logs/LogsView")).LogsView }));

/** Below this the details lie over the grid. */
const SHEET = "(max-width: 1099px)";

export function TraceView({ model, search }: { model: TraceModel; search: TraceSearch }) {
  const state = useTraceState(model, search);
  const sheet = useMedia(SHEET);
  const [open, setOpen] = useState(search.span !== undefined);
  const { selected, url } = state;
  const pickTab = useCallback(
    (index: number) => {
      const tab = tabsOf(model, selected)[index];
      if (tab) url.set({ tab: tab.id });
    },
    [model, selected, url],
  );
  const openDetail = useCallback(() => setOpen(true), []);
  const closeDetail = useCallback(() => {
    setOpen(false);
    document.getElementById(GRID_ID)?.focus();
  }, []);
  useTraceKeys(state, {
    view: search.as,
    tabs: tabsOf(model, selected).map((tab) => tab.label),
    pickTab,
    open: openDetail,
    close: closeDetail,
  });
  const logs = search.as === "logs";
  const orphans = model.skeleton.runs.orphan.length;
  return (
    <>
      <TraceBar state={state} />
      <VerdictStrip state={state} />
      {orphans > 0 ? (
        <p className={styles.banner}>
          {plural(orphans, "span")} {orphans === 1 ? "has" : "have"} a parent that never arrived: shown at the top level
          under a dashed line.
        </p>
      ) : null}
      <Suspense>{logs ? <LogsToolbar state={state} search={search} /> : <Toolbar state={state} />}</Suspense>
      <div className={styles.body}>
        <div className={cx(styles.left)}>
          {logs ? (
            <ErrorBoundary title="The logs could not be shown" resetKey={model}>
              <Suspense>
                <LogsView state={state} search={search} sheet={sheet} onOpen={openDetail} />
              </Suspense>
            </ErrorBoundary>
          ) : (
            <>
              <ErrorBoundary title="The timeline could not be drawn" resetKey={model}>
                <Overview state={state} />
                <Grid state={state} onOpen={openDetail} />
              </ErrorBoundary>
              <Legend state={state} />
            </>
          )}
        </div>
        {sheet ? null : <Splitter name="trace-detail" label="Resize details" initial={528} min={340} max={1000} />}
        {!sheet || open ? (
          <ErrorBoundary title="The details could not be shown" resetKey={keyOf(model, selected)}>
            <Detail state={state} sheet={sheet} onClose={closeDetail} />
          </ErrorBoundary>
        ) : null}
      </div>
    </>
  );
}
