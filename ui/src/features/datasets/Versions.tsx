import type { UseInfiniteQueryResult, InfiniteData } from "@tanstack/react-query";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Tag as TagIcon } from "lucide-react";
import { type FormEvent, useState } from "react";
import { messageOf } from "@/lib/api/client";
import { type Dataset, datasetKey, tagVersion, type Version } from "@/lib/api/datasets";
import { cx } from "@/lib/cx";
import { Button, IconButton } from "@/components/Button";
import { ErrorState } from "@/components/Notice";
import { Tag } from "@/components/Tag";
import type { DatasetSearch } from "./search";
import table from "@/components/Table.module.css";
import { ago, at } from "./time";
import { VersionDiff } from "./VersionDiff";
import styles from "./Versions.module.css";

interface Props {
  dataset: Dataset;
  search: DatasetSearch;
  set: (patch: DatasetSearch, replace?: boolean) => void;
  versions: UseInfiniteQueryResult<InfiniteData<Version[]>>;
}

/** Every change of the examples made a version; two of them beside each other show what changed. */
export function Versions({ dataset, search, set, versions }: Props) {
  const list = versions.data?.pages.flat() ?? [];
  if (versions.isError && list.length === 0)
    return (
      <ErrorState
        title="The versions could not be loaded"
        error={versions.error}
        onRetry={() => void versions.refetch()}
      />
    );
  // What the last change did is what most come for.
  const to = search.to ?? list[0]?.as_of;
  const from = search.from ?? list[list.findIndex((version) => version.as_of === to) + 1]?.as_of;
  return (
    <div className={styles.body}>
      <div className={styles.list}>
        <table className={table.table} aria-label="Versions">
          <colgroup>
            <col style={{ width: 52 }} />
            <col style={{ width: 52 }} />
            <col />
            <col style={{ width: 40 }} />
          </colgroup>
          <thead>
            <tr>
              <th scope="col">From</th>
              <th scope="col">To</th>
              <th scope="col">Version</th>
              <th scope="col">
                <span className="sr">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {list.map((version) => (
              <VersionRow
                key={version.as_of}
                dataset={dataset}
                version={version}
                from={from}
                to={to}
                onFrom={() => set({ from: version.as_of, to }, true)}
                onTo={() => set({ from, to: version.as_of }, true)}
                onOpen={() =>
                  set({
                    tab: undefined,
                    version: version.as_of === list[0]?.as_of ? undefined : version.as_of,
                    page: undefined,
                    from: undefined,
                    to: undefined,
                  })
                }
              />
            ))}
          </tbody>
        </table>
        {versions.hasNextPage ? (
          <div className={table.more}>
            <Button disabled={versions.isFetchingNextPage} onClick={() => void versions.fetchNextPage()}>
              Show more
            </Button>
          </div>
        ) : null}
        {versions.isSuccess && list.length === 0 ? (
          <p className={styles.none}>Nothing was written yet: the first example makes the first version.</p>
        ) : null}
      </div>
      <div className={styles.diff}>
        {from !== undefined && to !== undefined ? (
          <VersionDiff dataset={dataset.id} from={from} to={to} />
        ) : list.length === 1 ? (
          <p className={styles.none}>There is one version, so there is nothing to compare it with.</p>
        ) : null}
      </div>
    </div>
  );
}

interface RowProps {
  dataset: Dataset;
  version: Version;
  from: string | undefined;
  to: string | undefined;
  onFrom: () => void;
  onTo: () => void;
  onOpen: () => void;
}

function VersionRow({ dataset, version, from, to, onFrom, onTo, onOpen }: RowProps) {
  const [tagging, setTagging] = useState(false);
  const name = at(version.as_of);
  return (
    <>
      <tr>
        <td className={styles.radio}>
          <input
            type="radio"
            name="from"
            aria-label={`From ${name}`}
            checked={from === version.as_of}
            onChange={onFrom}
          />
        </td>
        <td className={styles.radio}>
          <input type="radio" name="to" aria-label={`To ${name}`} checked={to === version.as_of} onChange={onTo} />
        </td>
        <td title={version.as_of}>
          <button type="button" className={cx(table.name, styles.open)} onClick={onOpen} title="Show its examples">
            {name}
          </button>{" "}
          <span className={table.soft}>{ago(version.as_of)}</span>{" "}
          <span className={table.tags}>
            {version.tags.map((tag) => (
              <Tag key={tag}>{tag}</Tag>
            ))}
          </span>
        </td>
        <td className={table.tools}>
          <IconButton label={`Tag ${name}`} onClick={() => setTagging(!tagging)}>
            <TagIcon size={13} aria-hidden />
          </IconButton>
        </td>
      </tr>
      {tagging ? (
        <tr>
          <td colSpan={4}>
            <TagForm dataset={dataset.id} version={version} onDone={() => setTagging(false)} />
          </td>
        </tr>
      ) : null}
    </>
  );
}

function TagForm({ dataset, version, onDone }: { dataset: string; version: Version; onDone: () => void }) {
  const client = useQueryClient();
  const [tag, setTag] = useState("");
  const save = useMutation({
    mutationFn: () => tagVersion(dataset, version.as_of, tag.trim()),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: datasetKey(dataset) });
      onDone();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (tag.trim() !== "") save.mutate();
  };
  return (
    <form className={styles.tag} onSubmit={submit}>
      <input
        aria-label="Tag"
        placeholder="prod"
        value={tag}
        // oxlint-disable-next-line jsx-a11y/no-autofocus -- it was just asked for
        autoFocus
        autoComplete="off"
        onChange={(event) => setTag(event.target.value)}
      />
      <Button type="submit" disabled={tag.trim() === "" || save.isPending}>
        Tag
      </Button>
      {save.isError ? <span className={table.bad}>{messageOf(save.error)}</span> : null}
    </form>
  );
}
