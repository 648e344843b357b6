import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { statsQuery } from "@/lib/api/queries";
import { formatDollars, formatDuration, formatInt, formatPercent, unpricedCalls } from "@/lib/format";
import { type Hint, ListFooter } from "@/components/ListFooter";
import { MAX_ROWS } from "./useRows";
import type { Unit } from "./search";
import styles from "./Totals.module.css";

const HINTS: readonly Hint[] = [
  [["j", "k"], "move"],
  [["x"], "select"],
  [[" "], "peek"],
  [["Enter"], "open"],
  [["l"], "live"],
];

interface Props {
  project: string;
  unit: Unit;
  q?: string;
  t: string;
  loaded: number;
}

/** What the filter adds up to, and the keys of the list. */
export function Totals({ project, unit, q, t, loaded }: Props) {
  const query = useQuery({ ...statsQuery(project, { q, t, of: unit }), placeholderData: keepPreviousData });
  const stats = query.data;
  const noun = unit === "traces" ? "trace" : "run";
  return (
    <ListFooter hints={HINTS}>
      {stats ? (
        <>
          <span>
            <b>{formatInt(stats.count)}</b> {stats.count === 1 ? noun : `${noun}s`}
          </span>
          {stats.count > 0 ? (
            <>
              <span title={stats.unpriced_count > 0 ? unpricedCalls(stats.unpriced_count) : undefined}>
                {stats.unpriced_count > 0 ? "≥ " : ""}
                <b>{formatDollars(stats.cost)}</b>
              </span>
              <span className={stats.error_count > 0 ? styles.bad : undefined}>
                {formatPercent(stats.error_count / stats.count)} failed
              </span>
              <span>p50 {formatDuration(stats.p50_us)}</span>
              <span>p95 {formatDuration(stats.p95_us)}</span>
            </>
          ) : null}
        </>
      ) : null}
      {loaded >= MAX_ROWS ? <span>The list ends at {formatInt(MAX_ROWS)} rows: filter to see the rest</span> : null}
    </ListFooter>
  );
}
