import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { PenLine, Plus, SquarePen, Trash2 } from "lucide-react";
import { useState } from "react";
import { deleteQueue, type Queue, queuesQuery, sizesQuery } from "@/lib/api/annotation";
import { useCommands } from "@/lib/commands";
import { cx } from "@/lib/cx";
import { formatAgo, formatInt, plural, UNKNOWN } from "@/lib/format";
import { useTitle } from "@/lib/title";
import { shownName } from "@/lib/visible-text";
import { RowBones } from "@/components/Bones";
import { Button, IconButton } from "@/components/Button";
import { ConfirmDialog } from "@/components/ConfirmDialog";
import { EmptyState, ErrorState } from "@/components/Notice";
import { Page, PageBar } from "@/components/PageBar";
import forms from "@/components/Form.module.css";
import table from "@/components/Table.module.css";
import styles from "./AnnotatePage.module.css";
import { QueueForm } from "./QueueForm";
import { NEW } from "./search";

const route = getRouteApi("/p/$project/annotate");

/** Annotation queues: runs that wait for somebody to judge them. */
export function AnnotatePage() {
  const { project } = route.useParams();
  const { edit } = route.useSearch();
  const navigate = route.useNavigate();
  const query = useQuery(queuesQuery());
  const client = useQueryClient();
  const [leaving, setLeaving] = useState<Queue | null>(null);
  useTitle("Annotation queues");
  const open = (id: string | undefined) => void navigate({ search: { edit: id } });
  useCommands([
    { id: "new-queue", title: "New annotation queue", group: "Annotate", keys: ["n"], run: () => open(NEW) },
    { id: "close-queue", title: "Close the form", group: "Annotate", keys: ["Escape"], run: () => open(undefined) },
  ]);
  const queues = query.data;
  const current = queues?.find((queue) => queue.id === edit);
  const editing = edit === NEW || current !== undefined;
  const newButton = (
    <Button look="primary" icon={<Plus size={13} aria-hidden />} onClick={() => open(NEW)}>
      New queue
    </Button>
  );
  return (
    <Page busy={query.isPending}>
      <PageBar project={project} current="Annotate" actions={newButton} />
      <div className={cx(forms.sides, editing && forms.editing)}>
        <div className={forms.list}>
          {query.isError ? (
            <ErrorState
              title="The queues could not be loaded"
              error={query.error}
              onRetry={() => void query.refetch()}
            />
          ) : queues === undefined ? (
            <RowBones />
          ) : queues.length === 0 ? (
            <EmptyState
              icon={<PenLine size={24} aria-hidden />}
              title="No annotation queues yet"
              actions={
                <Button icon={<Plus size={13} aria-hidden />} onClick={() => open(NEW)}>
                  New queue
                </Button>
              }
            >
              <p>
                A queue holds runs that somebody should judge, and a rubric that says what to look for. What is answered
                becomes feedback on the runs.
              </p>
            </EmptyState>
          ) : (
            <Table project={project} queues={queues} current={current} onEdit={open} onDelete={setLeaving} />
          )}
        </div>
        {editing ? (
          <QueueForm key={edit} queue={current} onClose={() => open(undefined)} onSaved={() => open(undefined)} />
        ) : null}
      </div>
      {leaving ? (
        <ConfirmDialog
          title={`Delete “${leaving.name}”?`}
          action="Delete queue"
          onConfirm={() => deleteQueue(leaving.id)}
          onDone={() => {
            setLeaving(null);
            if (edit === leaving.id) open(undefined);
            void client.invalidateQueries({ queryKey: ["queues"] });
          }}
          onClose={() => setLeaving(null)}
        >
          <p>Its runs and the feedback that was given on them stay. The rubric and what still waits are gone.</p>
        </ConfirmDialog>
      ) : null}
    </Page>
  );
}

interface TableProps {
  project: string;
  queues: Queue[];
  current: Queue | undefined;
  onEdit: (id: string) => void;
  onDelete: (queue: Queue) => void;
}

function Table({ project, queues, current, onEdit, onDelete }: TableProps) {
  return (
    <table className={cx(table.table, styles.queues)} aria-label="Annotation queues">
      <thead>
        <tr>
          <th scope="col">Queue</th>
          <th scope="col" className={styles.asks}>
            Asks for
          </th>
          <th scope="col" className={cx(table.number, styles.number)}>
            Waiting
          </th>
          <th scope="col" className={cx(table.number, styles.number)}>
            Done
          </th>
          <th scope="col" className={styles.when}>
            Changed
          </th>
          <th scope="col" className={styles.actions}>
            <span className="sr">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {queues.map((queue) => (
          <Row
            key={queue.id}
            project={project}
            queue={queue}
            current={queue === current}
            onEdit={onEdit}
            onDelete={onDelete}
          />
        ))}
      </tbody>
    </table>
  );
}

function Row({
  project,
  queue,
  current,
  onEdit,
  onDelete,
}: Omit<TableProps, "queues" | "current"> & { queue: Queue; current: boolean }) {
  const sizes = useQuery(sizesQuery(queue.id)).data;
  const keys = queue.rubric_items?.map((item) => item.feedback_key) ?? [];
  return (
    <tr className={cx(current && table.current)} aria-current={current || undefined}>
      <td className={styles.name}>
        <Link
          to="/p/$project/annotate/$queueId"
          params={{ project, queueId: queue.id }}
          title={shownName(queue.name)}
          className={cx(table.name, table.whole)}
        >
          {shownName(queue.name)}
        </Link>
        {queue.description ? <p title={queue.description}>{queue.description}</p> : null}
      </td>
      <td className={styles.asks} title={keys.join(", ")}>
        {keys.length > 0 ? keys.join(", ") : <span className={table.soft}>no rubric</span>}
      </td>
      <td className={cx(table.number, styles.number)}>{sizes ? <b>{formatInt(sizes.waiting)}</b> : UNKNOWN}</td>
      <td
        className={cx(table.number, styles.number)}
        title={sizes ? plural(sizes.waiting + sizes.done, "item") : undefined}
      >
        {sizes ? formatInt(sizes.done) : UNKNOWN}
      </td>
      <td className={styles.when}>{formatAgo(Date.parse(queue.updated_at) * 1000)}</td>
      <td className={cx(table.tools, styles.actions)}>
        <IconButton label={`Edit ${queue.name}`} onClick={() => onEdit(queue.id)}>
          <SquarePen size={13} aria-hidden />
        </IconButton>
        <IconButton label={`Delete ${queue.name}`} onClick={() => onDelete(queue)}>
          <Trash2 size={13} aria-hidden />
        </IconButton>
      </td>
    </tr>
  );
}
