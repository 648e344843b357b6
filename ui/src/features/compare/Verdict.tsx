import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import type { Experiment } from "@/lib/api/experiments";
import { formatInt, plural } from "@/lib/format";
import { tallyPreferences } from "@/lib/preferences";
import type { Filter } from "./search";
import type { ComparisonState } from "./useComparison";
import { certainty, changeText, missingText } from "./verdict";
import styles from "./Verdict.module.css";

/** The answer first. Each count leads to the examples that it counts. */
export function Verdict({ state, missing }: { state: ComparisonState; missing: number }) {
  const { columns, tally, by, loading, rows } = state;
  const gone =
    missing > 0
      ? ` ${plural(missing, "experiment")} of the address no longer ${missing === 1 ? "exists" : "exist"}.`
      : "";
  if (columns.length === 0) return <section className={styles.verdict} aria-label="Verdict" aria-busy />;
  if (loading && rows.length === 0)
    return (
      <section className={styles.verdict} aria-label="Verdict" aria-busy>
        <h1>Reading the examples…</h1>
      </section>
    );
  const [base, other] = [columns[0], columns[state.focus]];
  if (columns.length === 1)
    return (
      <section className={styles.verdict} aria-label="Verdict">
        <h1>
          {plural(rows.length, "example")}
          {loading ? " so far" : ""},{" "}
          {tally.counts.errors === 0 ? "none failed" : `${formatInt(tally.counts.errors)} failed`}
        </h1>
        <p>
          <b>{base.name}</b>
          {base.description ? `: ${base.description}` : ""}.{" "}
          <Link
            to="/p/$project/datasets/$datasetId"
            params={{ project: state.project, datasetId: state.datasetId }}
            search={{ tab: "experiments", pick: base.id }}
          >
            Choose a second experiment
          </Link>{" "}
          to see what changed.{gone}
        </p>
      </section>
    );
  const cost = changeText(tally.cost);
  const latency = changeText(tally.latency);
  const unsure = loading ? null : certainty(tally);
  return (
    <section className={styles.verdict} aria-label="Verdict">
      <h1>
        <Count state={state} only="better" count={tally.counts.better} word="better" />
        {", "}
        <Count state={state} only="worse" count={tally.counts.worse} word="worse" />
        {tally.counts.mixed > 0 ? `, ${formatInt(tally.counts.mixed)} both` : ""}, {formatInt(tally.counts.same)} the
        same
        {cost ? `; cost per example ${cost}` : ""}
      </h1>
      <p>
        <b>{other.name}</b> against <b>{base.name}</b>
        {by === undefined ? ", which have no scores" : by === "all" ? " by all scores" : <> by {by}</>}
        <Preferred state={state} experiment={other} />
        {latency ? <>; mean latency {latency}</> : null}.{loading ? ` ${formatInt(rows.length)} examples so far.` : ""}{" "}
        {[unsure, missingText(tally)].filter(Boolean).join(" ")}
        {gone}
      </p>
    </section>
  );
}

/** How often answers were preferred that somebody set against each other. */
function Preferred({ state, experiment }: { state: ComparisonState; experiment: Experiment }) {
  const { wins, total } = useMemo(() => tallyPreferences(state.preferences.data ?? []), [state.preferences.data]);
  return total === 0 ? null : `; preferred ${formatInt(wins.get(experiment.id) ?? 0)} of ${plural(total, "time")}`;
}

function Count(props: { state: ComparisonState; only: Filter; count: number; word: string }) {
  const { state, only, count, word } = props;
  const { search, set } = state;
  return (
    <button
      type="button"
      className={styles.count}
      data-only={count > 0 ? only : undefined}
      aria-pressed={search.only === only}
      title={`Show only what got ${word}`}
      onClick={() => set({ only: search.only === only ? undefined : only })}
    >
      {formatInt(count)} {word}
    </button>
  );
}
