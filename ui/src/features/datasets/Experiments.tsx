import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { FlaskConical, GitCompareArrows, ListTree, Trash2 } from "lucide-react";
import { useState } from "react";
import type { Dataset } from "@/lib/api/datasets";
import {
  type Comparison,
  comparisonsQuery,
  deleteExperiment,
  type Experiment,
  experimentsQuery,
  preferencesQuery,
} from "@/lib/api/experiments";
import { useCommands } from "@/lib/commands";
import { cx } from "@/lib/cx";
import { formatCost, formatDuration, formatInt, formatPercent, nanoOf, plural, UNKNOWN } from "@/lib/format";
import { Button, IconButton } from "@/components/Button";
import { ConfirmDialog } from "@/components/ConfirmDialog";
import { Code } from "@/components/Code";
import { EmptyState, ErrorState } from "@/components/Notice";
import own from "./Experiments.module.css";
import type { DatasetSearch } from "./search";
import styles from "./Table.module.css";
import { ago, at } from "./time";
import { tallyPreferences } from "./preferences";

interface Props {
  project: string;
  dataset: Dataset;
  search: DatasetSearch;
  set: (patch: DatasetSearch, replace?: boolean) => void;
}

/** Score columns that fit beside each other; the comparison shows them all. */
const MAX_KEYS = 5;

/** The experiments on a dataset with their figures; some of them chosen lead to the comparison. */
export function Experiments({ project, dataset, search, set }: Props) {
  const query = useInfiniteQuery(experimentsQuery(dataset.id));
  const comparisons = useQuery(comparisonsQuery(dataset.id));
  const navigate = useNavigate();
  const client = useQueryClient();
  const [leaving, setLeaving] = useState<Experiment | null>(null);
  const experiments = query.data?.pages.flat() ?? [];
  const picked = (search.pick ?? "").split(",").filter((id) => experiments.some((one) => one.id === id));
  const pick = (id: string, on: boolean) =>
    set({ pick: (on ? [...picked, id] : picked.filter((one) => one !== id)).join(",") || undefined }, true);
  const compare = () => {
    if (picked.length === 0) return;
    // The oldest is what the others are measured against.
    const oldest = experiments.filter((one) => picked.includes(one.id)).toReversed();
    const ids = oldest.map((one) => one.id).join(",");
    void navigate({
      to: "/p/$project/datasets/$datasetId/compare",
      params: { project, datasetId: dataset.id },
      search: { ids },
    });
  };
  useCommands([
    {
      id: "compare",
      title: "Compare the chosen experiments",
      group: "Experiments",
      keys: ["c"],
      when: () => picked.length > 0,
      run: compare,
    },
  ]);
  if (query.isError && experiments.length === 0)
    return (
      <ErrorState
        title="The experiments could not be loaded"
        error={query.error}
        onRetry={() => void query.refetch()}
      />
    );
  if (query.isPending) return <div className={styles.scroll} aria-busy />;
  if (experiments.length === 0) return <NoExperiments dataset={dataset} />;
  return (
    <>
      <div className={styles.bar}>
        <span className={styles.soft}>
          {picked.length === 0
            ? "Choose experiments to set them beside each other. The oldest is the baseline."
            : `${plural(picked.length, "experiment")} chosen`}
        </span>
        <span className="grow" />
        <Button
          look="primary"
          disabled={picked.length === 0}
          icon={<GitCompareArrows size={13} aria-hidden />}
          onClick={compare}
          title="C"
        >
          {picked.length === 1 ? "Show results" : "Compare"}
        </Button>
      </div>
      <div className={styles.scroll}>
        <Table
          project={project}
          dataset={dataset}
          experiments={experiments}
          picked={picked}
          onPick={pick}
          onDelete={setLeaving}
        />
        {query.hasNextPage ? (
          <div className={styles.more}>
            <Button disabled={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
              Show more
            </Button>
          </div>
        ) : null}
        {comparisons.data && comparisons.data.length > 0 ? (
          <Pairwise project={project} dataset={dataset.id} comparisons={comparisons.data} />
        ) : null}
      </div>
      {leaving ? (
        <ConfirmDialog
          title={`Delete ${leaving.name}?`}
          action="Delete experiment"
          onConfirm={() => deleteExperiment(leaving.id)}
          onDone={() => {
            setLeaving(null);
            void client.invalidateQueries({ queryKey: ["datasets", dataset.id] });
          }}
          onClose={() => setLeaving(null)}
        >
          <p>
            The experiment is a project: its <b>{plural(leaving.run_count ?? 0, "trace")}</b> and their scores go with
            it. This cannot be undone.
          </p>
        </ConfirmDialog>
      ) : null}
    </>
  );
}

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

function Table({ project, dataset, experiments, picked, onPick, onDelete }: TableProps) {
  const all = keysOf(experiments);
  const keys = all.slice(0, MAX_KEYS);
  return (
    <table className={cx(styles.table, own.table)} aria-label="Experiments">
      <colgroup>
        <col style={{ width: 38 }} />
        <col style={{ minWidth: 240 }} />
        <col style={{ width: 112 }} />
        <col style={{ width: 64 }} />
        {keys.map((key) => (
          <col key={key} style={{ width: 116 }} />
        ))}
        <col style={{ width: 84 }} />
        <col style={{ width: 92 }} />
        <col style={{ width: 92 }} />
        <col style={{ width: 68 }} />
      </colgroup>
      <thead>
        <tr>
          <th scope="col" className={styles.tick}>
            <span className="sr">Chosen</span>
          </th>
          <th scope="col">Experiment</th>
          <th scope="col" className={styles.number}>
            When
          </th>
          <th scope="col" className={styles.number}>
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
          <th scope="col" className={styles.number} title="Half of the runs were quicker">
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
                {experiment.name}
              </Link>
              {experiment.description ? <span className={own.about}> {experiment.description}</span> : null}
            </td>
            <td className={styles.number} title={at(experiment.start_time)}>
              {ago(experiment.start_time)}
            </td>
            <td className={styles.number}>
              {formatInt(experiment.run_count)}
              <Progress experiment={experiment} />
            </td>
            {keys.map((key) => (
              <Mean key={key} experiment={experiment} name={key} />
            ))}
            <Failed experiment={experiment} />
            <td className={styles.number}>{formatCost(nanoOf(experiment.total_cost))}</td>
            <td className={styles.number}>
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
      <span className={own.mean}>{Number(stats.avg.toFixed(3))}</span>
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

function NoExperiments({ dataset }: { dataset: Dataset }) {
  return (
    <EmptyState icon={<FlaskConical size={24} aria-hidden />} title="No experiments on this dataset yet">
      <p>Each call of evaluate() with the LangSmith SDK makes one:</p>
      <Code
        lang="python"
        code={`from langsmith import evaluate\n\nevaluate(my_app, data=${JSON.stringify(dataset.name)}, evaluators=[correct])`}
      />
    </EmptyState>
  );
}

/** Which of two answers was preferred. */
function Pairwise(props: { project: string; dataset: string; comparisons: Comparison[] }) {
  const { project, dataset, comparisons } = props;
  return (
    <section className={own.pairwise}>
      <h2>Pairwise comparisons</h2>
      <ul>
        {comparisons.map((comparison) => (
          <li key={comparison.id}>
            <Link
              to="/p/$project/datasets/$datasetId/compare"
              params={{ project, datasetId: dataset }}
              search={{ ids: comparison.experiments_info.map((one) => one.id).join(","), comparative: comparison.id }}
              className={styles.name}
            >
              {comparison.name ?? "Comparison"}
            </Link>
            <span className={styles.soft} title={at(comparison.created_at)}>
              {ago(comparison.created_at)}
            </span>
            {comparison.description ? <p className={own.about}>{comparison.description}</p> : null}
            <Preferences comparison={comparison} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Preferences({ comparison }: { comparison: Comparison }) {
  const query = useQuery(preferencesQuery(comparison.id));
  if (!query.data) return null;
  const { wins, ties, total } = tallyPreferences(query.data);
  const share = (count: number): string => `${total === 0 ? 0 : (count / total) * 100}%`;
  return (
    <dl className={own.wins}>
      {comparison.experiments_info.map(({ id, name }, index) => (
        <div key={id}>
          <dt className="ellipsis">{name ?? id}</dt>
          <dd>
            <span className={own.win}>
              <i data-first={index === 0} style={{ width: share(wins.get(id) ?? 0) }} />
            </span>
            preferred {formatInt(wins.get(id) ?? 0)} of {formatInt(total)}
          </dd>
        </div>
      ))}
      {ties > 0 ? (
        <div>
          <dt className={styles.soft}>No preference</dt>
          <dd>
            <span className={own.win}>
              <i style={{ width: share(ties) }} />
            </span>
            {formatInt(ties)}
          </dd>
        </div>
      ) : null}
    </dl>
  );
}
