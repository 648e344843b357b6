import { ArrowDown, ArrowUp } from "lucide-react";
import { type ReactNode, useMemo } from "react";
import { costOf, type Experiment, type FeedbackStats } from "@/lib/api/experiments";
import { cx } from "@/lib/cx";
import { formatCost, formatDuration, formatInt, formatPercent, UNKNOWN } from "@/lib/format";
import { formatMean } from "@/lib/score";
import { IconButton } from "@/components/Button";
import { Delta } from "./Delta";
import { type Bins, categoriesOf, categoryBins, highestShare, scoreBins, totalOf } from "./distribution";
import { type Direction, turned } from "./model";
import { Spread } from "./Spread";
import styles from "./Summary.module.css";
import type { ComparisonState } from "./useComparison";
import { changeText } from "./verdict";

/** The figures of each experiment, against those of the baseline. */
export function Summary({ state, shown, texts }: { state: ComparisonState; shown: Experiment[]; texts: number }) {
  const { columns, rows, keys, by, counted } = state;
  const spreads = useMemo(() => {
    const ids = columns.map((experiment) => experiment.id);
    return new Map(keys.map((key) => [key, scoreBins(rows, key, ids)]));
  }, [rows, keys, columns]);
  if (columns.length === 0) return null;
  const labels = labelKeys(columns, keys);
  const line = { state, shown, texts };
  return (
    <div role="rowgroup" className={styles.summary}>
      {keys.map((key) => (
        <Line
          key={key}
          strong={counted.includes(key) && by !== "all"}
          name={<ScoreName state={state} name={key} />}
          {...line}
        >
          {(experiment, base) => (
            <Score
              stats={statsOf(experiment, key)}
              base={statsOf(base, key)}
              direction={state.direction(key)}
              bins={spreads.get(key)?.get(experiment.id) ?? []}
              highest={highestShare(spreads.get(key)?.values() ?? [])}
            />
          )}
        </Line>
      ))}
      {labels.map((key) => (
        <Line key={key} name={key} {...line}>
          {(experiment) => <Categories of={experiment} columns={columns} name={key} />}
        </Line>
      ))}
      <Line name="Cost per example" {...line}>
        {(experiment, base) => <Figure of={experiment} base={base} value={costPerRun} text={formatCost} />}
      </Line>
      <Line name="Latency, P50" {...line}>
        {(experiment, base) => (
          <Figure
            of={experiment}
            base={base}
            value={(one) => (one.latency_p50 == null ? null : one.latency_p50 * 1e6)}
            text={formatDuration}
          />
        )}
      </Line>
      <Line name="Failed" {...line}>
        {(experiment) => <Failures experiment={experiment} />}
      </Line>
    </div>
  );
}

const statsOf = (experiment: Experiment, key: string): FeedbackStats | undefined =>
  experiment.feedback_stats?.[key] ?? experiment.session_feedback_stats?.[key];

/** Keys that only have categories. */
function labelKeys(columns: Experiment[], scores: string[]): string[] {
  const all = columns.flatMap((one) => Object.entries(one.feedback_stats ?? {}));
  const labelled = all.filter(([key, stats]) => !scores.includes(key) && Object.keys(stats.values).length > 0);
  return [...new Set(labelled.map(([key]) => key))];
}

function costPerRun(experiment: Experiment): number | null {
  const total = costOf(experiment);
  return total === null || !experiment.run_count ? null : total / experiment.run_count;
}

interface LineProps {
  shown: Experiment[];
  /** Columns that the name takes. */
  texts: number;
  name: ReactNode;
  strong?: boolean;
  state: ComparisonState;
  children: (experiment: Experiment, base: Experiment) => ReactNode;
}

function Line({ shown, texts, name, strong, state, children }: LineProps) {
  const { columns } = state;
  return (
    <div role="row" className={cx(styles.line, strong && styles.strong)}>
      <span role="rowheader" className={styles.label} style={{ gridColumn: `1 / ${texts + 1}` }}>
        {name}
      </span>
      {shown.map((experiment) => (
        <span key={experiment.id} role="gridcell" className={styles.value}>
          {children(experiment, columns[0])}
        </span>
      ))}
    </div>
  );
}

/** A score's name with the direction that is better, which a click turns around. */
function ScoreName({ name, state }: { name: string; state: ComparisonState }) {
  const direction = state.direction(name);
  const Icon = direction === 1 ? ArrowUp : ArrowDown;
  const told = direction === 1 ? "higher is better" : "lower is better";
  return (
    <>
      <span className="ellipsis" title={name}>
        {name}
      </span>
      <IconButton
        label={`${name}: ${told}. Turn around`}
        onClick={() => state.set({ dir: turned(state.search.dir, name, direction === 1 ? -1 : 1) })}
      >
        <Icon size={12} aria-hidden />
      </IconButton>
    </>
  );
}

interface ScoreProps {
  stats: FeedbackStats | undefined;
  base: FeedbackStats | undefined;
  direction: Direction;
  bins: Bins;
  highest: number;
}

function Score({ stats, base, direction, bins, highest }: ScoreProps) {
  if (stats?.avg == null) return <span className={styles.soft}>{UNKNOWN}</span>;
  const by = base?.avg == null || base === stats ? null : (stats.avg - base.avg) * direction;
  // 95% of such intervals hold the mean of all examples that could have been asked.
  const half = stats.stdev === null || stats.n < 2 ? null : (1.96 * stats.stdev) / Math.sqrt(stats.n);
  return (
    <>
      <b>{formatMean(stats.avg)}</b>
      {half === null || half === 0 ? null : (
        <span className={styles.soft} title={`95% interval of the mean, over ${formatInt(stats.n)} scores`}>
          ±{formatMean(half)}
        </span>
      )}
      <Delta by={by} direction={direction} />
      <Spread bins={bins} highest={highest} />
    </>
  );
}

/** How often each category was given, in one order for all experiments. */
function Categories({ of, columns, name }: { of: Experiment; columns: Experiment[]; name: string }) {
  const counts = (experiment: Experiment) => statsOf(experiment, name)?.values ?? {};
  const order = categoriesOf(columns.map(counts));
  const bins = categoryBins(counts(of), order);
  if (totalOf(bins) === 0) return <span className={styles.soft}>{UNKNOWN}</span>;
  const text = bins.map(({ label, count }) => `${label} ${formatInt(count)}`).join(", ");
  return (
    <>
      <span className="ellipsis" title={text}>
        {text}
      </span>
      <Spread bins={bins} highest={highestShare(columns.map((one) => categoryBins(counts(one), order)))} />
    </>
  );
}

interface FigureProps {
  of: Experiment;
  base: Experiment;
  value: (experiment: Experiment) => number | null;
  text: (value: number | null) => string;
}

function Figure({ of, base, value, text }: FigureProps) {
  const [mine, theirs] = [value(of), value(base)];
  const change = of === base || mine === null || theirs === null ? null : changeText([theirs, mine]);
  return (
    <>
      <b>{text(mine)}</b>
      {change ? <span className={styles.soft}>{change}</span> : null}
    </>
  );
}

function Failures({ experiment }: { experiment: Experiment }) {
  const rate = experiment.error_rate;
  if (rate == null) return <span className={styles.soft}>{UNKNOWN}</span>;
  const count = Math.round(rate * (experiment.run_count ?? 0));
  return (
    <>
      <b className={cx(count > 0 && styles.failed)}>{formatInt(count)}</b>
      <span className={styles.soft}>
        of {formatInt(experiment.run_count)}
        {count > 0 ? `, ${formatPercent(rate)}` : ""}
      </span>
    </>
  );
}
