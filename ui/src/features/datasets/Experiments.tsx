import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { FlaskConical, GitCompareArrows } from "lucide-react";
import { useState } from "react";
import type { Dataset } from "@/lib/api/datasets";
import { comparisonsQuery, deleteExperiment, type Experiment, experimentsQuery } from "@/lib/api/experiments";
import { useCommands } from "@/lib/commands";
import { plural } from "@/lib/format";
import { RowBones } from "@/components/Bones";
import { Button } from "@/components/Button";
import { Code } from "@/components/Code";
import { ConfirmDialog } from "@/components/ConfirmDialog";
import { EmptyState, ErrorState } from "@/components/Notice";
import { ExperimentTable } from "./ExperimentTable";
import { Pairwise } from "./Pairwise";
import type { DatasetSearch } from "./search";
import styles from "@/components/Table.module.css";

/** How often the figures of experiments that still run are asked for. */
const RUNNING_MS = 5_000;

interface Props {
  project: string;
  dataset: Dataset;
  search: DatasetSearch;
  set: (patch: DatasetSearch, replace?: boolean) => void;
}

/** The experiments on a dataset with their figures; some of them chosen lead to the comparison. */
export function Experiments({ project, dataset, search, set }: Props) {
  const query = useInfiniteQuery({
    ...experimentsQuery(dataset.id),
    refetchInterval: ({ state }) => (state.data?.pages.flat().some(isRunning) ? RUNNING_MS : false),
  });
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
  if (query.isPending)
    return (
      <div className={styles.scroll}>
        <RowBones count={Math.min(12, dataset.session_count)} />
      </div>
    );
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
        <ExperimentTable
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

const isRunning = (experiment: Experiment): boolean => (experiment.experiment_progress?.run_progress ?? 1) < 1;

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
