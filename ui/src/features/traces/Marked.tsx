import { useQueryClient } from "@tanstack/react-query";
import { Database, PenLine, Trash2, X } from "lucide-react";
import { useState } from "react";
import { deleteTraces } from "@/lib/api/deletion";
import { useCommands } from "@/lib/commands";
import { formatCost, nanoOf, plural } from "@/lib/format";
import { Button, IconButton } from "@/components/Button";
import { CollectRuns, type CollectWhere } from "@/components/collect/CollectRuns";
import { ConfirmDialog } from "@/components/ConfirmDialog";
import styles from "./Marked.module.css";
import type { Unit } from "./search";
import type { Marking } from "./useMarks";

interface Props {
  project: string;
  unit: Unit;
  marking: Marking;
  onDeleted: () => void;
}

/** What the selected rows add up to, and what can be done with all of them. */
export function Marked({ project, unit, marking, onDeleted }: Props) {
  const { rows, clear } = marking;
  const client = useQueryClient();
  const [doing, setDoing] = useState<CollectWhere | "delete" | null>(null);
  const traceIds = [...new Set(rows.map((row) => row.traceId))];
  const cost = rows.reduce((sum, row) => sum + (nanoOf(row.cost) ?? 0), 0);
  const runs = unit === "traces" ? rows.reduce((sum, row) => sum + (row.runs ?? 0), 0) : null;
  const failed = rows.filter((row) => row.status === "error").length;
  const group = "Selection";
  useCommands([
    { group, id: "marked-queue", title: "Add the selected to a queue", keys: ["a"], run: () => setDoing("queue") },
    {
      group,
      id: "marked-dataset",
      title: "Add the selected to a dataset",
      keys: ["d"],
      run: () => setDoing("dataset"),
    },
    { group, id: "marked-delete", title: "Delete the selected traces", keys: ["#"], run: () => setDoing("delete") },
  ]);
  const deleted = () => {
    setDoing(null);
    clear();
    onDeleted();
    void client.invalidateQueries();
  };
  return (
    <div className={styles.bar} role="toolbar" aria-label="Selection">
      <b role="status">{plural(rows.length, unit === "traces" ? "trace" : "run")} selected</b>
      <span className="num">
        {rows.some((row) => row.unpriced) ? "≥ " : ""}
        {formatCost(cost)}
        {failed > 0 ? ` · ${failed} failed` : ""}
      </span>
      <span className="grow" />
      <Button icon={<Database size={13} aria-hidden />} title="Add to a dataset  D" onClick={() => setDoing("dataset")}>
        Add to dataset
      </Button>
      <Button icon={<PenLine size={13} aria-hidden />} title="Add to a queue  A" onClick={() => setDoing("queue")}>
        Add to queue
      </Button>
      <Button icon={<Trash2 size={13} aria-hidden />} title="Delete  #" onClick={() => setDoing("delete")}>
        Delete
      </Button>
      <IconButton label="Select nothing" keyHint="Esc" onClick={clear}>
        <X size={14} aria-hidden />
      </IconButton>
      {doing === "queue" || doing === "dataset" ? (
        <CollectRuns
          where={doing}
          project={project}
          runIds={rows.map((row) => row.runId)}
          onClose={() => setDoing(null)}
        />
      ) : null}
      {doing === "delete" ? (
        <ConfirmDialog
          title={`Delete ${plural(traceIds.length, "trace")}?`}
          action={`Delete ${plural(traceIds.length, "trace")}`}
          onConfirm={() => deleteTraces(traceIds, project)}
          onDone={deleted}
          onClose={() => setDoing(null)}
        >
          <p>
            <b>{plural(traceIds.length, "trace")}</b>
            {runs === null ? null : <> with {plural(runs, "run")}</>} {traceIds.length === 1 ? "goes" : "go"} from{" "}
            {project}
            {unit === "runs" ? ", whole: also the runs in them that are not selected" : ""}. Log records of them go too.
            Spans that arrive later are dropped.
          </p>
          <p>They leave all pages and figures at once and the disk within a day. This cannot be undone.</p>
        </ConfirmDialog>
      ) : null}
    </div>
  );
}
