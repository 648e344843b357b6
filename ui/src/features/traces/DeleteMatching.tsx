import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import { useState } from "react";
import { deleteMatching, deletionPreview, type Matching } from "@/lib/api/deletion";
import { messageOf } from "@/lib/api/client";
import { plural } from "@/lib/format";
import { IconButton } from "@/components/Button";
import { ConfirmDialog } from "@/components/ConfirmDialog";

interface Props {
  project: string;
  q: string;
  t: string;
  onDeleted: () => void;
}

/** Deletes what the filter and the time of the list find; without either it would be the whole project. */
export function DeleteMatching({ project, q, t, onDeleted }: Props) {
  const [asking, setAsking] = useState<Matching | null>(null);
  if (q === "" && t === "all") return null;
  return (
    <>
      <IconButton label="Delete the traces that this filter finds" onClick={() => setAsking({ filter: q, time: t })}>
        <Trash2 size={14} aria-hidden />
      </IconButton>
      {asking ? (
        <Ask project={project} matching={asking} onDeleted={onDeleted} onClose={() => setAsking(null)} />
      ) : null}
    </>
  );
}

function Ask(props: { project: string; matching: Matching; onDeleted: () => void; onClose: () => void }) {
  const { project, matching, onDeleted, onClose } = props;
  const client = useQueryClient();
  const preview = useQuery(deletionPreview(project, matching));
  const counts = preview.data;
  const done = () => {
    onClose();
    onDeleted();
    void client.invalidateQueries();
  };
  return (
    <ConfirmDialog
      title="Delete what the filter finds?"
      action={counts ? `Delete ${plural(counts.traces, "trace")}` : "Delete"}
      disabled={!counts || counts.traces === 0}
      onConfirm={() => deleteMatching(project, matching)}
      onDone={done}
      onClose={onClose}
    >
      <p>
        {matching.filter === "" ? "All traces" : <span className="mono">{matching.filter}</span>} of {project}
        {matching.time === "all" ? ", at any time" : `, ${matching.time}`}
        {": "}
        {counts ? (
          <b>
            {plural(counts.traces, "trace")} with {plural(counts.runs, "run")} and{" "}
            {plural(counts.log_records, "log record")}
          </b>
        ) : preview.isError ? (
          messageOf(preview.error)
        ) : (
          "counting…"
        )}
        . Traces go whole, also the runs in them that the filter does not find.
      </p>
      <p>They leave all pages and figures at once and the disk within a day. This cannot be undone.</p>
    </ConfirmDialog>
  );
}
