import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { Trash2 } from "lucide-react";
import { useState } from "react";
import { messageOf } from "@/lib/api/client";
import { deleteProject, type Purge, purgeQuery, retentionQuery, startPurge } from "@/lib/api/deletion";
import { formatAgo, formatBytes, formatInt } from "@/lib/format";
import { writeSetting } from "@/lib/storage";
import { useTitle } from "@/lib/title";
import { Button } from "@/components/Button";
import { ConfirmDialog } from "@/components/ConfirmDialog";
import { ErrorState } from "@/components/Notice";
import { Page, PageBar } from "@/components/PageBar";
import { FeedbackKeys } from "./FeedbackKeys";
import { RetentionForm } from "./RetentionForm";
import styles from "./Settings.module.css";

const route = getRouteApi("/p/$project/settings/project");

/** How long a project is kept, removing from the disk, and deleting the project. */
export function ProjectSettings() {
  const { project } = route.useParams();
  useTitle(`Settings of ${project}`);
  const retention = useQuery(retentionQuery(project));
  return (
    <Page busy={retention.isPending}>
      <PageBar project={project} parents={["Settings"]} current="Project" />
      <div className={styles.page}>
        {retention.isError ? (
          <ErrorState
            title="The settings could not be loaded"
            error={retention.error}
            onRetry={() => void retention.refetch()}
          />
        ) : retention.data ? (
          <>
            <RetentionForm key={project} project={project} retention={retention.data} />
            <PurgeSection />
            <FeedbackKeys />
            <DeleteSection project={project} />
          </>
        ) : null}
      </div>
    </Page>
  );
}

function PurgeSection() {
  const client = useQueryClient();
  const purge = useQuery(purgeQuery());
  const start = useMutation({
    mutationFn: startPurge,
    onSuccess: (state) => client.setQueryData(["purge"], state),
  });
  const state = purge.data;
  const last = state?.last;
  return (
    <section className={styles.section} aria-labelledby="purge-title">
      <h2 id="purge-title">Deleted data on the disk</h2>
      <p id="purge-why">{purge.isError && !state ? `It is not known: ${messageOf(purge.error)}` : leftText(state)}</p>
      <p className={styles.line}>
        <Button
          disabled={!state || state.running || start.isPending || state.unpurged_since === null}
          aria-describedby="purge-why"
          title={state?.unpurged_since === null ? "There is nothing to remove" : undefined}
          onClick={() => start.mutate()}
        >
          {state?.running ? "Removing…" : "Remove it now"}
        </Button>
      </p>
      {start.isError || last?.error ? (
        <p className={styles.failed} role="alert">
          {start.isError ? messageOf(start.error) : `It failed: ${last?.error}. It is tried again.`}
        </p>
      ) : null}
      {last?.removed ? (
        <p role="status">
          Last done {formatAgo(last.ended_at)}: {formatInt(last.removed.rows_removed)} rows removed,{" "}
          {formatInt(last.removed.rows_deleted)} of them deleted ones
          {last.removed.rows_deleted_before > 0
            ? ` (merges had removed ${formatInt(last.removed.rows_deleted_before)} more before)`
            : ""}
          ; files of {formatBytes(last.removed.bytes_removed)} became {formatBytes(last.removed.bytes_written)},{" "}
          {formatBytes(last.removed.log_bytes_removed)} of the log went.
        </p>
      ) : null}
    </section>
  );
}

/** What deletion left behind. */
function leftText(state: Purge | undefined): string {
  if (!state) return "Looking for what is left of deleted data…";
  if (state.unpurged_since === null) return "Nothing that was deleted is left on the disk.";
  return `What was deleted since ${formatAgo(state.unpurged_since)} is still on the disk. It goes by itself within a day.`;
}

function DeleteSection({ project }: { project: string }) {
  const [asking, setAsking] = useState(false);
  const client = useQueryClient();
  const navigate = useNavigate();
  const leave = () => {
    writeSetting("project", null);
    void navigate({ to: "/projects" }).then(() => {
      client.clear();
      return client.invalidateQueries();
    });
  };
  return (
    <section className={styles.section} aria-labelledby="delete-title">
      <h2 id="delete-title">Delete the project</h2>
      <p>
        All traces, log records and metrics of {project} go, and its settings. Whoever still sends to {project} makes a
        new project of that name.
      </p>
      <p className={styles.line}>
        <Button icon={<Trash2 size={13} aria-hidden />} onClick={() => setAsking(true)}>
          Delete {project}…
        </Button>
      </p>
      {asking ? (
        <ConfirmDialog
          title={`Delete ${project}?`}
          action="Delete project"
          typed={project}
          onConfirm={() => deleteProject(project)}
          onDone={leave}
          onClose={() => setAsking(false)}
        >
          <p>
            <b>Everything in {project}</b>: traces with their runs, log records, metric points, and its settings. At
            once from all pages, within a day from the disk. This cannot be undone.
          </p>
        </ConfirmDialog>
      ) : null}
    </section>
  );
}
