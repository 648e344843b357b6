import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { isAbsent } from "@/lib/api/client";
import { datasetQuery, versionsQuery } from "@/lib/api/datasets";
import { formatInt, plural } from "@/lib/format";
import { useTitle } from "@/lib/title";
import { NoDataset } from "@/components/NoDataset";
import { ErrorState } from "@/components/Notice";
import { Page, PageBar } from "@/components/PageBar";
import { Segmented } from "@/components/Segmented";
import { DatasetActions } from "./DatasetActions";
import { Examples } from "./Examples";
import { Experiments } from "./Experiments";
import { type DatasetSearch, TABS, validateDatasetSearch } from "./search";
import { Versions } from "./Versions";
import styles from "./DatasetPage.module.css";

export const route = getRouteApi("/p/$project/datasets/$datasetId");

/** One dataset: its examples, the experiments on it, its versions. */
export function DatasetPage() {
  const { project, datasetId } = route.useParams();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const query = useQuery(datasetQuery(datasetId));
  const versions = useInfiniteQuery(versionsQuery(datasetId));
  const dataset = query.data;
  useTitle(dataset?.name ?? "Dataset");
  const set = (patch: DatasetSearch, replace = false) =>
    void navigate({ search: (old) => validateDatasetSearch({ ...old, ...patch }), replace });
  const absent = isAbsent(query.error);
  const props = { project, dataset, search, set };
  return (
    <Page busy={query.isPending}>
      <PageBar
        project={project}
        parents={[
          <Link
            key="all"
            to="/p/$project/datasets"
            params={{ project }}
            activeOptions={{ exact: true }}
            className="ellipsis"
          >
            Datasets
          </Link>,
        ]}
        current={dataset?.name ?? (absent ? datasetId.slice(0, 8) : "…")}
        actions={dataset ? <DatasetActions dataset={dataset} project={project} version={search.version} /> : null}
      >
        {absent ? null : (
          <Segmented
            label="Part of the dataset"
            value={search.tab ?? "examples"}
            options={[
              { value: "examples", label: dataset ? `Examples ${formatInt(dataset.example_count)}` : "Examples" },
              {
                value: "experiments",
                label: dataset ? `Experiments ${formatInt(dataset.session_count)}` : "Experiments",
              },
              { value: "versions", label: "Versions" },
            ]}
            onChange={(tab) => set({ tab: TABS.find((name) => name === tab), example: undefined })}
          />
        )}
      </PageBar>
      {absent ? (
        <NoDataset project={project} datasetId={datasetId} />
      ) : query.isError ? (
        <ErrorState title="The dataset could not be loaded" error={query.error} onRetry={() => void query.refetch()} />
      ) : dataset ? (
        <>
          {dataset.description && search.tab === undefined ? (
            <p className={styles.about} title={plural(dataset.example_count, "example")}>
              {dataset.description}
            </p>
          ) : null}
          {search.tab === "experiments" ? (
            <Experiments {...props} dataset={dataset} />
          ) : search.tab === "versions" ? (
            <Versions {...props} dataset={dataset} versions={versions} />
          ) : (
            <Examples {...props} dataset={dataset} versions={versions.data?.pages.flat() ?? []} />
          )}
        </>
      ) : null}
    </Page>
  );
}
