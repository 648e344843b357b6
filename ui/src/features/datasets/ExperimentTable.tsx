import { Link } from "@tanstack/react-router";
import { ListTree, Trash2 } from "lucide-react";
import type { CSSProperties } from "react";
import type { Dataset } from "@/lib/api/datasets";
import { costOf, type Experiment } from "@/lib/api/experiments";
import { cx } from "@/lib/cx";
import { formatCost, formatDuration, formatInt, formatPercent, plural, UNKNOWN } from "@/lib/format";
import { formatMean } from "@/lib/score";
import { shownName } from "@/lib/visible-text";
import { IconButton } from "@/components/Button";
import own from "./Experiments.module.css";
import styles from "@/components/Table.module.css";
import { ago, at } from "./time";

/** Score columns that fit beside each other; the comparison shows them all. */
const MAX_KEYS = 5;

interface TableProps {
  project: string;
  dataset: Dataset;
  experiments: Experiment[];
  picked: string[];
  onPick: (id: string, on: boolean) => void;
  onDelete: (experiment: Experiment) => void;
}

/** Keys of scores, those that most experiments have first. */
function keysOf(experiments: Experiment[]): string[] {
  const counts = new Map<string, number>();
  for (const experiment of experiments)
    for (const [key, stats] of Object.entries(experiment.feedback_stats ?? {}))
      if (stats.avg !== null) counts.set(key, (counts.get(key) ?? 0) + 1);
  return [...counts].toSorted(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).map(([key]) => key);
}

/** Each with the mean of its scores, what failed, what it cost. */
export function ExperimentTable({ project, dataset, experiments, picked, onPick, onDelete }: TableProps) {
  const all = keysOf(experiments);
  const keys = all.slice(0, MAX_KEYS);
  return (
    <table
      className={cx(styles.table, own.table)}
      style={{ "--keys": keys.length } as CSSProperties}
      aria-label="Experiments"
    >
      <colgroup>
        <col style={{ width: 38 }} />
        <col />
        <col style={{ width: 108 }} className={styles.roomy} />
        <col style={{ width: 60 }} className={styles.roomy} />
        {keys.map((key) => (
          <col key={key} style={{ width: 116 }} />
        ))}
        <col style={{ width: 70 }} />
        <col style={{ width: 84 }} />
        <col style={{ width: 84 }} className={styles.roomy} />
        <col style={{ width: 68 }} />
      </colgroup>
      <thead>
        <tr>
          <th scope="col" className={styles.tick}>
            <span className="sr">Chosen</span>
          </th>
          <th scope="col">Experiment</th>
          <th scope="col" className={cx(styles.number, styles.roomy)}>
            When
          </th>
          <th scope="col" className={cx(styles.number, styles.roomy)}>
            Runs
          </th>
          {keys.map((key) => (
            <th key={key} scope="col" className={styles.number} title={`Mean of ${key}`}>
              {key}
            </th>
          ))}
          <th scope="col" className={styles.number}>
            Failed
          </th>
          <th scope="col" className={styles.number}>
            Cost
          </th>
          <th scope="col" className={cx(styles.number, styles.roomy)} title="Half of the runs were quicker">
            Latency
          </th>
          <th scope="col">
            <span className="sr">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {experiments.map((experiment) => (
          <tr key={experiment.id} aria-selected={picked.includes(experiment.id)}>
            <td className={styles.tick}>
              <input
                type="checkbox"
                aria-label={`Choose ${experiment.name}`}
                checked={picked.includes(experiment.id)}
                onChange={(event) => onPick(experiment.id, event.target.checked)}
              />
            </td>
            <td title={about(experiment)}>
              <Link
                to="/p/$project/datasets/$datasetId/compare"
                params={{ project, datasetId: dataset.id }}
                search={{ ids: experiment.id }}
                className={cx(styles.name, styles.whole)}
              >
                <bdi>{shownName(experiment.name)}</bdi>
              </Link>
              {experiment.description ? <span className={own.about}> {experiment.description}</span> : null}
            </td>
            <td className={cx(styles.number, styles.roomy)} title={at(experiment.start_time)}>
              {ago(experiment.start_time)}
            </td>
            <td className={cx(styles.number, styles.roomy)}>
              {formatInt(experiment.run_count)}
              <Progress experiment={experiment} />
            </td>
            {keys.map((key) => (
              <Mean key={key} experiment={experiment} name={key} />
            ))}
            <Failed experiment={experiment} />
            <td className={styles.number}>{formatCost(costOf(experiment))}</td>
            <td className={cx(styles.number, styles.roomy)}>
              {formatDuration(experiment.latency_p50 == null ? null : experiment.latency_p50 * 1e6)}
            </td>
            <td className={styles.tools}>
              <Link
                to="/p/$project/traces"
                params={{ project: experiment.name }}
                aria-label={`Traces of ${experiment.name}`}
                title="Traces of the experiment"
                className={own.icon}
              >
                <ListTree size={14} aria-hidden />
              </Link>
              <IconButton label={`Delete ${experiment.name}`} onClick={() => onDelete(experiment)}>
                <Trash2 size={13} aria-hidden />
              </IconButton>
            </td>
          </tr>
        ))}
      </tbody>
      {all.length > keys.length ? (
        <caption className={own.caption}>{all.length - keys.length} more scores are in the comparison.</caption>
      ) : null}
    </table>
  );
}

/** What the SDKs add by themselves says nothing about the experiment. */
const NOISE = /^(__ls|git$|revision_id|dataset_|num_repetitions)/;

function about(experiment: Experiment): string {
  const facts = Object.entries(experiment.extra?.metadata ?? {}).filter(
    ([key, value]) => !NOISE.test(key) && value !== null && typeof value !== "object",
  );
  return [experiment.name, experiment.description, ...facts.map(([key, value]) => `${key}: ${String(value)}`)]
    .filter(Boolean)
    .join("\n");
}

function Progress({ experiment }: { experiment: Experiment }) {
  const done = experiment.experiment_progress?.run_progress;
  if (done == null || done >= 1) return null;
  return <span className={styles.soft}> {formatPercent(done)}</span>;
}

function Mean({ experiment, name }: { experiment: Experiment; name: string }) {
  const stats = experiment.feedback_stats?.[name];
  if (stats?.avg == null) return <td className={cx(styles.number, styles.soft)}>{UNKNOWN}</td>;
  const inUnit = (stats.min ?? 0) >= 0 && (stats.max ?? 0) <= 1;
  return (
    <td className={styles.number} title={`${plural(stats.n, "score")}, from ${stats.min} to ${stats.max}`}>
      {inUnit ? (
        <span className={own.track} aria-hidden>
          <i style={{ width: `${stats.avg * 100}%` }} />
        </span>
      ) : null}
      <span className={own.mean}>{formatMean(stats.avg)}</span>
    </td>
  );
}

function Failed({ experiment }: { experiment: Experiment }) {
  const rate = experiment.error_rate;
  if (rate == null) return <td className={cx(styles.number, styles.soft)}>{UNKNOWN}</td>;
  const count = Math.round(rate * (experiment.run_count ?? 0));
  return (
    <td className={cx(styles.number, count > 0 ? styles.bad : styles.soft)} title={formatPercent(rate)}>
      {formatInt(count)}
    </td>
  );
}
