import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import {
  EXAMPLES_A_PAGE,
  fetchSharedExamples,
  type SharedDataset,
  sharedDatasetQuery,
  type SharedExample,
} from "@/lib/api/sharing";
import { ownMetadata, splitsOf } from "@/lib/api/datasets";
import { useCommands } from "@/lib/commands";
import { cx } from "@/lib/cx";
import { formatDateTime, plural, UNKNOWN } from "@/lib/format";
import { lineText } from "@/lib/payload-text";
import { useTitle } from "@/lib/title";
import { RowBones } from "@/components/Bones";
import { Button } from "@/components/Button";
import { EmptyState, ErrorState } from "@/components/Notice";
import { Page, PageBar } from "@/components/PageBar";
import { Tag } from "@/components/Tag";
import table from "@/components/Table.module.css";
import { Payload } from "./Payload";
import { Gone } from "./SharedRunPage";
import styles from "./Shared.module.css";
import { microsOf } from "./tree";

const route = getRouteApi("/public/$token/d");

const LINE_CHARS = 240;
const line = (value: unknown): string => lineText(value).slice(0, LINE_CHARS) || UNKNOWN;

/** A shared dataset and its examples: read-only and without a key. */
export function SharedDatasetPage() {
  const { token } = route.useParams();
  const query = useQuery(sharedDatasetQuery(token));
  const dataset = query.data;
  useTitle(dataset ? `${dataset.name}, shared` : "Shared dataset");
  if (query.isError) return <Gone error={query.error} what="dataset" />;
  return (
    <Page busy={query.isPending}>
      <PageBar current={dataset?.name ?? "Shared dataset"}>
        {dataset ? (
          <span className={styles.identity}>
            {plural(dataset.example_count, "example")} · changed {formatDateTime(microsOf(dataset.modified_at))} ·
            shared, read-only
          </span>
        ) : null}
      </PageBar>
      {dataset?.description ? <p className={styles.about}>{dataset.description}</p> : null}
      {dataset ? <Examples token={token} dataset={dataset} /> : null}
    </Page>
  );
}

function Examples({ token, dataset }: { token: string; dataset: SharedDataset }) {
  const { example: chosen } = route.useSearch();
  const navigate = route.useNavigate();
  const query = useInfiniteQuery({
    queryKey: ["shared-examples", token],
    queryFn: ({ pageParam, signal }) => fetchSharedExamples(token, pageParam, signal),
    initialPageParam: 0,
    getNextPageParam: (last, pages) =>
      last.length < EXAMPLES_A_PAGE ? undefined : pages.reduce((sum, page) => sum + page.length, 0),
  });
  const examples = query.data?.pages.flat() ?? [];
  const at = Math.max(
    0,
    examples.findIndex((example) => example.id === chosen),
  );
  const select = (index: number) => {
    const example = examples[Math.min(examples.length - 1, Math.max(0, index))];
    if (example) void navigate({ search: { example: example.id }, replace: true });
  };
  useCommands([
    {
      id: "next",
      title: "Next example",
      group: "Examples",
      keys: ["j", "ArrowDown"],
      keysOnly: true,
      run: () => select(at + 1),
    },
    {
      id: "prev",
      title: "Previous example",
      group: "Examples",
      keys: ["k", "ArrowUp"],
      keysOnly: true,
      run: () => select(at - 1),
    },
  ]);
  if (query.isError && examples.length === 0)
    return (
      <ErrorState title="The examples could not be loaded" error={query.error} onRetry={() => void query.refetch()} />
    );
  if (query.data && examples.length === 0) return <EmptyState title="The dataset has no examples yet" />;
  if (examples.length === 0) return <RowBones count={Math.min(12, dataset.example_count)} />;
  return (
    <div className={styles.body}>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a region that scrolls has to be reachable */}
      <div className={styles.list} tabIndex={0} role="region" aria-label="Examples">
        <table className={cx(table.table, styles.examples)}>
          <thead>
            <tr>
              <th scope="col">Input</th>
              <th scope="col">Reference output</th>
              <th scope="col">Split</th>
            </tr>
          </thead>
          <tbody>
            {examples.map((example, index) => (
              <tr key={example.id} aria-selected={index === at}>
                <td>
                  <button
                    type="button"
                    className={cx(table.text, table.whole)}
                    aria-current={index === at}
                    onClick={() => select(index)}
                  >
                    {line(example.inputs)}
                  </button>
                </td>
                <td>{line(example.outputs)}</td>
                <td>
                  <span className={styles.splits}>
                    {splitsOf(example).map((split) => (
                      <Tag key={split}>{split}</Tag>
                    ))}
                  </span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
        {query.hasNextPage ? (
          <p className={table.more}>
            <Button disabled={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
              {examples.length} of {dataset.example_count}: show more
            </Button>
          </p>
        ) : null}
      </div>
      <Detail example={examples[at]} />
    </div>
  );
}

function Detail({ example }: { example: SharedExample }) {
  return (
    <section className={styles.detail} aria-label="Example">
      <div className={styles.payloads}>
        <Payload title="Input" value={example.inputs} none="The example has no input." />
        <Payload title="Reference output" value={example.outputs} none="The example has no reference output." />
        <Payload title="Metadata" value={ownMetadata(example)} />
      </div>
    </section>
  );
}
