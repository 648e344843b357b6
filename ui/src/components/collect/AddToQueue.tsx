import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { addToQueue, createQueue, queuesQuery } from "@/lib/api/annotation";
import { projectsQuery } from "@/lib/api/queries";
import { plural } from "@/lib/format";
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
      many={runIds.length > 1}
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
