import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Database, Plus, Search, Trash2 } from "lucide-react";
import { useRef, useState } from "react";
import { type Dataset, datasetKey, datasetsQuery, deleteDataset } from "@/lib/api/datasets";
import { useCommands } from "@/lib/commands";
import { cx } from "@/lib/cx";
import { formatInt, plural, UNKNOWN } from "@/lib/format";
import { useTitle } from "@/lib/title";
import { shownName } from "@/lib/visible-text";
import { RowBones } from "@/components/Bones";
import { Button, IconButton } from "@/components/Button";
import { ConfirmDialog } from "@/components/ConfirmDialog";
import { EmptyState, ErrorState } from "@/components/Notice";
import { Page, PageBar } from "@/components/PageBar";
import { NewDataset } from "./NewDataset";
import styles from "@/components/Table.module.css";
import { ago, at } from "./time";

const route = getRouteApi("/p/$project/datasets");
const TYPES = { kv: "key-value", llm: "text", chat: "chat" };

/** The datasets of the workspace: all projects share them. */
export function DatasetsPage() {
  const { project } = route.useParams();
  const { q } = route.useSearch();
  const navigate = route.useNavigate();
  const query = useInfiniteQuery({ ...datasetsQuery(q), placeholderData: (old) => old });
  const client = useQueryClient();
  const [creating, setCreating] = useState(false);
  const [leaving, setLeaving] = useState<Dataset | null>(null);
  const field = useRef<HTMLInputElement>(null);
  useTitle("Datasets");
  useCommands([
    { id: "new-dataset", title: "New dataset", group: "Datasets", keys: ["n"], run: () => setCreating(true) },
    { id: "find-dataset", title: "Search datasets", group: "Datasets", keys: ["/"], run: () => field.current?.focus() },
  ]);
  const datasets = query.data?.pages.flat() ?? [];
  const create = (
    <Button look="primary" icon={<Plus size={13} aria-hidden />} onClick={() => setCreating(true)}>
      New dataset
    </Button>
  );
  return (
    <Page busy={query.isPending || query.isPlaceholderData}>
      <PageBar project={project} current="Datasets" actions={create} />
      <div className={styles.bar}>
        <label className={styles.search}>
          <Search size={13} aria-hidden />
          <input
            ref={field}
            type="search"
            aria-label="Search datasets"
            placeholder="Search by name"
            defaultValue={q}
            onChange={(event) => void navigate({ search: { q: event.target.value || undefined }, replace: true })}
          />
        </label>
      </div>
      <div className={styles.scroll}>
        {query.isError && datasets.length === 0 ? (
          <ErrorState
            title="The datasets could not be loaded"
            error={query.error}
            onRetry={() => void query.refetch()}
          />
        ) : query.isPending ? (
          <RowBones />
        ) : datasets.length > 0 ? (
          <Table project={project} datasets={datasets} onDelete={setLeaving} />
        ) : q ? (
          <EmptyState icon={<Search size={24} aria-hidden />} title="No dataset has that in its name" />
        ) : (
          <NoDatasets onNew={() => setCreating(true)} />
        )}
        {query.hasNextPage ? (
          <div className={styles.more}>
            <Button disabled={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
              Show more
            </Button>
          </div>
        ) : null}
      </div>
      {creating ? (
        <NewDataset
          onClose={() => setCreating(false)}
          onMade={(made) =>
            void navigate({
              to: "/p/$project/datasets/$datasetId",
              params: { project, datasetId: made.id },
              search: {},
            })
          }
        />
      ) : null}
      {leaving ? (
        <ConfirmDialog
          title={`Delete ${leaving.name}?`}
          action="Delete dataset"
          typed={leaving.example_count > 0 ? leaving.name : undefined}
          onConfirm={() => deleteDataset(leaving.id)}
          onDone={() => {
            setLeaving(null);
            void client.invalidateQueries({ queryKey: datasetKey() });
          }}
          onClose={() => setLeaving(null)}
        >
          <p>
            <b>{plural(leaving.example_count, "example")}</b> go with all their versions
            {leaving.session_count > 0 ? (
              <>
                ; the runs of <b>{plural(leaving.session_count, "experiment")}</b> stay in their projects
              </>
            ) : null}
            . This cannot be undone.
          </p>
        </ConfirmDialog>
      ) : null}
    </Page>
  );
}

interface TableProps {
  project: string;
  datasets: Dataset[];
  onDelete: (dataset: Dataset) => void;
}

function Table({ project, datasets, onDelete }: TableProps) {
  return (
    <table className={styles.table} aria-label="Datasets">
      <colgroup>
        <col className={styles.names} />
        <col className={styles.wide} />
        <col style={{ width: 92 }} className={styles.wide} />
        <col style={{ width: 92 }} />
        <col style={{ width: 112 }} className={styles.roomy} />
        <col style={{ width: 128 }} className={styles.roomy} />
        <col style={{ width: 44 }} />
      </colgroup>
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col" className={styles.wide}>
            Description
          </th>
          <th scope="col" className={styles.wide}>
            Type
          </th>
          <th scope="col" className={styles.number}>
            Examples
          </th>
          <th scope="col" className={cx(styles.number, styles.roomy)}>
            Experiments
          </th>
          <th scope="col" className={cx(styles.number, styles.roomy)}>
            Last changed
          </th>
          <th scope="col">
            <span className="sr">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {datasets.map((dataset) => (
          <tr key={dataset.id}>
            <td>
              <Link
                to="/p/$project/datasets/$datasetId"
                params={{ project, datasetId: dataset.id }}
                className={cx(styles.name, styles.whole)}
                title={shownName(dataset.name)}
              >
                {shownName(dataset.name)}
              </Link>
            </td>
            <td className={styles.wide} title={dataset.description ?? undefined}>
              {dataset.description}
            </td>
            <td className={styles.wide}>{TYPES[dataset.data_type] ?? dataset.data_type}</td>
            <td className={styles.number}>{formatInt(dataset.example_count)}</td>
            <td className={cx(styles.number, styles.roomy)}>
              {dataset.session_count === 0 ? UNKNOWN : formatInt(dataset.session_count)}
            </td>
            <td className={cx(styles.number, styles.roomy)} title={at(dataset.modified_at)}>
              {ago(dataset.modified_at)}
            </td>
            <td className={styles.tools}>
              <IconButton label={`Delete ${dataset.name}`} onClick={() => onDelete(dataset)}>
                <Trash2 size={13} aria-hidden />
              </IconButton>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function NoDatasets({ onNew }: { onNew: () => void }) {
  return (
    <EmptyState
      icon={<Database size={24} aria-hidden />}
      title="No datasets yet"
      actions={
        <Button icon={<Plus size={13} aria-hidden />} onClick={onNew}>
          New dataset
        </Button>
      }
    >
      <p>
        A dataset holds examples: what goes in, and what should come out. Make one from a CSV or JSON lines file, or
        with <span className="mono">client.create_dataset()</span> of the LangSmith SDK; then{" "}
        <span className="mono">evaluate()</span> runs your app on it, and each run of it is an experiment here.
      </p>
    </EmptyState>
  );
}
