import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { FolderOpen, Send } from "lucide-react";
import { projectsQuery } from "@/lib/api/queries";
import type { Project } from "@/lib/api/types";
import { cx } from "@/lib/cx";
import { formatAgo, formatDateTime, formatInt, UNKNOWN } from "@/lib/format";
import { useTitle } from "@/lib/title";
import { RowBones } from "@/components/Bones";
import { Button } from "@/components/Button";
import { EmptyState, ErrorState } from "@/components/Notice";
import { Page, PageBar } from "@/components/PageBar";
import table from "@/components/Table.module.css";
import styles from "./ProjectsPage.module.css";

/** Every project, the busiest recently first. A project is made by its first trace, so there is nothing to create. */
export function ProjectsPage() {
  useTitle("Projects");
  const query = useQuery({ ...projectsQuery(), refetchInterval: 5_000 });
  const navigate = useNavigate();
  const send = (
    <Button icon={<Send size={13} aria-hidden />} onClick={() => void navigate({ to: "/setup" })}>
      Send traces
    </Button>
  );
  return (
    <Page busy={query.isFetching && query.isPlaceholderData}>
      <PageBar current="Projects" actions={send} />
      <div className={table.scroll}>
        {query.isError && !query.data ? (
          <ErrorState
            title="The projects could not be loaded"
            error={query.error}
            onRetry={() => void query.refetch()}
          />
        ) : query.data?.length === 0 ? (
          <EmptyState icon={<FolderOpen size={24} aria-hidden />} title="No projects yet" actions={send}>
            <p>A project is made when its first trace arrives.</p>
          </EmptyState>
        ) : query.data ? (
          <Table projects={query.data} />
        ) : (
          <RowBones />
        )}
      </div>
    </Page>
  );
}

function Table({ projects }: { projects: Project[] }) {
  return (
    <table className={cx(table.table, styles.projects)} aria-label="Projects">
      <thead>
        <tr>
          <th scope="col">Project</th>
          <th scope="col" className={table.number}>
            Traces, 7 days
          </th>
          <th scope="col" className={table.number}>
            Last run
          </th>
          <th scope="col" className={cx(table.number, table.roomy)}>
            Made
          </th>
        </tr>
      </thead>
      <tbody>
        {projects.map((project) => (
          <tr key={project.id}>
            <td>
              <Link
                to="/p/$project/traces"
                params={{ project: project.name }}
                title={project.name}
                className={cx(table.name, table.whole)}
              >
                {project.name}
              </Link>
            </td>
            <td className={table.number}>{formatInt(project.trace_count)}</td>
            <td
              className={table.number}
              title={project.last_run_at === null ? undefined : formatDateTime(project.last_run_at)}
            >
              {project.last_run_at === null ? UNKNOWN : formatAgo(project.last_run_at)}
            </td>
            <td className={cx(table.number, table.roomy)}>{formatDateTime(project.created_at)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
