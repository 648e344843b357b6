import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Database, Ellipsis, PenLine, Trash2 } from "lucide-react";
import { useState } from "react";
import { deleteTrace } from "@/lib/api/deletion";
import { useCommands } from "@/lib/commands";
import { plural } from "@/lib/format";
import { IconButton } from "@/components/Button";
import { CollectRuns, type CollectWhere } from "@/components/collect/CollectRuns";
import { ConfirmDialog } from "@/components/ConfirmDialog";
import { Keys } from "@/components/Keys";
import { Menu, MenuItem, MenuSeparator } from "@/components/Menu";
import { nameOf } from "../model/types";
import type { TraceState } from "../state/useTraceState";

/** What can be done with the selected run, and with the whole trace. */
export function TraceMenu({ state }: { state: TraceState }) {
  const { model, selected } = state;
  const { skeleton } = model;
  const [asking, setAsking] = useState(false);
  const [adding, setAdding] = useState<CollectWhere | null>(null);
  const client = useQueryClient();
  const navigate = useNavigate();
  const { trace_id: traceId, name } = skeleton;
  const project = skeleton.project.name;
  // Of a group of repeated runs: what called them.
  const node = model.run[selected] < 0 ? model.parent[selected] : selected;
  const runIds = [skeleton.runs.id[model.run[node]]];
  useCommands([
    {
      id: "to-queue",
      title: "Add the span to an annotation queue",
      group: "Trace",
      keys: ["a"],
      run: () => setAdding("queue"),
    },
    {
      id: "to-dataset",
      title: "Add the span to a dataset",
      group: "Trace",
      keys: ["d"],
      run: () => setAdding("dataset"),
    },
  ]);
  const leave = () => {
    // The list first: the page of a trace that is gone would say that it is not here.
    void navigate({ to: "/p/$project/traces", params: { project } }).then(() => {
      client.removeQueries({ queryKey: ["skeleton", traceId] });
      return client.invalidateQueries();
    });
  };
  return (
    <>
      <Menu
        align="end"
        trigger={
          <IconButton label="More about this trace">
            <Ellipsis size={15} aria-hidden />
          </IconButton>
        }
      >
        <MenuItem icon={<PenLine size={13} aria-hidden />} hint={<Keys name="a" />} onSelect={() => setAdding("queue")}>
          Add <bdi>{nameOf(model, node)}</bdi> to a queue…
        </MenuItem>
        <MenuItem
          icon={<Database size={13} aria-hidden />}
          hint={<Keys name="d" />}
          onSelect={() => setAdding("dataset")}
        >
          Add <bdi>{nameOf(model, node)}</bdi> to a dataset…
        </MenuItem>
        <MenuSeparator />
        <MenuItem icon={<Trash2 size={13} aria-hidden />} onSelect={() => setAsking(true)}>
          Delete trace…
        </MenuItem>
      </Menu>
      {adding ? <CollectRuns where={adding} project={project} runIds={runIds} onClose={() => setAdding(null)} /> : null}
      {asking ? (
        <ConfirmDialog
          title="Delete this trace?"
          action="Delete trace"
          onConfirm={() => deleteTrace(traceId, project)}
          onDone={leave}
          onClose={() => setAsking(false)}
        >
          <p>
            <b>{name}</b> goes from {project} with {plural(skeleton.totals.run_count, "run")} and its log records: at
            once from all pages and figures, within a day from the disk. Spans that arrive for it later are dropped.
          </p>
          <p>This cannot be undone.</p>
        </ConfirmDialog>
      ) : null}
    </>
  );
}
