import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { PenLine } from "lucide-react";
import { useState } from "react";
import { addToQueue, createQueue, queuesQuery } from "@/lib/api/annotation";
import { projectsQuery } from "@/lib/api/queries";
import { plural } from "@/lib/format";
import { Button } from "../Button";
import { Collect } from "./Collect";

interface Props {
  project: string;
  runIds: string[];
  onClose: () => void;
}

/** Puts runs into an annotation queue. */
export function AddToQueue({ project, runIds, onClose }: Props) {
  const client = useQueryClient();
  const queues = useQuery(queuesQuery());
  const projects = useQuery(projectsQuery());
  const projectId = projects.data?.find((item) => item.name === project || item.id === project)?.id;
  return (
    <Collect
      title={runIds.length === 1 ? "Add to a queue" : `Add ${plural(runIds.length, "run")} to a queue`}
      what={runIds.length === 1 ? "The run" : plural(runIds.length, "run")}
      noun="queue"
      places={queues.data?.map(({ id, name, description }) => ({ id, name, note: description ?? undefined }))}
      error={queues.error}
      onPut={(place) =>
        addToQueue(
          place.id,
          runIds.map((run_id) => ({ run_id, session_id: projectId })),
        )
      }
      onCreate={(name) => createQueue({ name, description: null, rubric_instructions: null, rubric_items: null })}
      renderPlace={(place) => (
        <Link to="/p/$project/annotate/$queueId" params={{ project, queueId: place.id }}>
          {place.name}
        </Link>
      )}
      onClose={() => {
        for (const key of ["queues", "queue-sizes"]) void client.invalidateQueries({ queryKey: [key] });
        onClose();
      }}
    />
  );
}

export function AddToQueueButton({ project, runIds }: Pick<Props, "project" | "runIds">) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button
        icon={<PenLine size={13} aria-hidden />}
        title="Put it into an annotation queue  A"
        onClick={() => setOpen(true)}
      >
        Annotate
      </Button>
      {open ? <AddToQueue project={project} runIds={runIds} onClose={() => setOpen(false)} /> : null}
    </>
  );
}
