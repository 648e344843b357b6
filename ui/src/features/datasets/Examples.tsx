import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { ListChecks, Plus } from "lucide-react";
import { useMemo, useState } from "react";
import {
  type Dataset,
  type Example,
  exampleCountQuery,
  exampleQuery,
  examplesQuery,
  PAGE,
  splitsQuery,
  type Version,
} from "@/lib/api/datasets";
import { useCommands } from "@/lib/commands";
import { cx } from "@/lib/cx";
import { formatInt, plural } from "@/lib/format";
import { RowBones } from "@/components/Bones";
import { Button } from "@/components/Button";
import { Choice } from "@/components/Choice";
import { ListFooter } from "@/components/ListFooter";
import { EmptyState, ErrorState } from "@/components/Notice";
import { Splitter } from "@/components/Splitter";
import page from "./DatasetPage.module.css";
import { ExampleForm } from "./ExampleForm";
import { ExamplePane } from "./ExamplePane";
import { ExampleTable } from "./ExampleTable";
import { type DatasetSearch, NEW } from "./search";
import { Selection } from "./Selection";
import styles from "@/components/Table.module.css";
import { at } from "./time";

const HINTS = [
  [["j", "k"], "move"],
  [["x"], "select"],
  [["Enter"], "open"],
  [["n"], "new"],
] as const;

interface Props {
  project: string;
  dataset: Dataset;
  search: DatasetSearch;
  set: (patch: DatasetSearch, replace?: boolean) => void;
  versions: Version[];
}

/** The examples of a version, a hundred at a time, and the one that is open beside them. */
export function Examples({ project, dataset, search, set, versions }: Props) {
  const list = useMemo(() => ({ asOf: search.version, split: search.split }), [search.version, search.split]);
  const place = Math.max(0, (Number(search.page) || 1) - 1);
  const examples = useQuery({ ...examplesQuery(dataset.id, list, place), placeholderData: keepPreviousData });
  const count = useQuery({ ...exampleCountQuery(dataset.id, list), placeholderData: keepPreviousData });
  const splits = useQuery(splitsQuery(dataset.id, search.version));
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const rows = examples.data ?? [];
  const readOnly = search.version !== undefined;
  const open = rows.find((row) => row.id === search.example);
  const creating = search.example === NEW && !readOnly;
  // A link may lead to an example of another page.
  const elsewhere = useQuery({
    ...exampleQuery(dataset.id, search.example ?? "", search.version),
    enabled: search.example !== undefined && search.example !== NEW && examples.isSuccess && !open,
  });
  const shown = open ?? elsewhere.data;
  const pages = Math.max(1, Math.ceil((count.data ?? 0) / PAGE));
  const goToPage = (to: number) => set({ page: to === 0 ? undefined : String(to + 1), example: undefined });
  const [cursor, setCursor] = useExampleKeys({ rows, search, set, selected, setSelected, readOnly });
  const withPane = creating || shown !== undefined || elsewhere.isError;
  return (
    <>
      <Bar
        search={search}
        set={set}
        versions={versions}
        splits={splits.data ?? []}
        readOnly={readOnly}
        onNew={() => set({ example: NEW })}
      >
        {selected.size > 0 && !readOnly ? (
          <Selection
            dataset={dataset.id}
            ids={[...selected]}
            splits={splits.data ?? []}
            onDone={(keep) => setSelected(keep ? selected : new Set())}
          />
        ) : null}
      </Bar>
      {readOnly ? (
        <p className={page.notice}>
          These are the examples as they were at <b>{versionName(versions, search.version ?? "")}</b>. To change them,
          go to the newest version.
          <Button onClick={() => set({ version: undefined, page: undefined })}>Newest version</Button>
        </p>
      ) : null}
      <div className={cx(page.body, withPane && page.withPane)}>
        <div className={styles.scroll}>
          {examples.isError ? (
            <ErrorState
              title="The examples could not be loaded"
              error={examples.error}
              onRetry={() => void examples.refetch()}
            />
          ) : examples.isPending ? (
            <RowBones />
          ) : rows.length === 0 ? (
            <NoExamples filtered={search.split !== undefined || readOnly} onNew={() => set({ example: NEW })} />
          ) : (
            <ExampleTable
              rows={rows}
              current={search.example ?? cursor}
              tight={withPane}
              selected={selected}
              onSelect={readOnly ? undefined : setSelected}
              onOpen={(example: Example) => {
                setCursor(example.id);
                set({ example: example.id });
              }}
            />
          )}
        </div>
        {withPane ? (
          <Splitter name="dataset.pane" label="Width of the example" initial={560} min={380} max={1100} />
        ) : null}
        {creating ? (
          <ExampleForm
            dataset={dataset}
            example={null}
            splits={splits.data ?? []}
            onClose={() => set({ example: undefined })}
            onSaved={(saved) => set({ example: saved.id, page: undefined })}
          />
        ) : withPane ? (
          <ExamplePane
            key={search.example}
            project={project}
            dataset={dataset}
            example={shown}
            error={elsewhere.error}
            splits={splits.data ?? []}
            readOnly={readOnly}
            onClose={() => set({ example: undefined })}
          />
        ) : null}
      </div>
      <ListFooter hints={HINTS}>
        <span>
          {count.data === undefined ? "" : plural(count.data, "example")}
          {search.split ? ` in ${search.split}` : ""}
        </span>
        {pages > 1 ? (
          <span>
            <button type="button" className={styles.foot} disabled={place === 0} onClick={() => goToPage(place - 1)}>
              ‹ Previous
            </button>
            {"  "}
            {formatInt(place * PAGE + 1)}–{formatInt(place * PAGE + rows.length)}
            {"  "}
            <button
              type="button"
              className={styles.foot}
              disabled={place >= pages - 1}
              onClick={() => goToPage(place + 1)}
            >
              Next ›
            </button>
          </span>
        ) : null}
      </ListFooter>
    </>
  );
}

function versionName(versions: Version[], asked: string): string {
  const version = versions.find((one) => one.as_of === asked || one.tags.includes(asked));
  if (!version) return asked;
  return version.tags.includes(asked) ? `${asked}, ${at(version.as_of)}` : at(version.as_of);
}

interface BarProps {
  search: DatasetSearch;
  set: Props["set"];
  versions: Version[];
  splits: string[];
  readOnly: boolean;
  onNew: () => void;
  children: React.ReactNode;
}

function Bar({ search, set, versions, splits, readOnly, onNew, children }: BarProps) {
  const label = (version: Version): string => {
    const tags = version.tags.filter((tag) => tag !== "latest");
    return tags.length > 0 ? `${tags.join(", ")} · ${at(version.as_of)}` : at(version.as_of);
  };
  const older = versions.slice(1).map((version) => ({ value: version.as_of, label: label(version) }));
  const chosen = search.version;
  const known = chosen === undefined || older.some((one) => one.value === chosen);
  return (
    <div className={styles.bar}>
      <Choice
        label="Version"
        value={chosen ?? ""}
        options={[
          { value: "", label: "Newest" },
          ...(known || chosen === undefined ? [] : [{ value: chosen, label: chosen }]),
          ...older,
        ]}
        onChange={(version) => set({ version: version || undefined, page: undefined, example: undefined })}
      />
      {splits.length > 0 ? (
        <Choice
          label="Split"
          value={search.split ?? ""}
          options={[{ value: "", label: "All" }, ...splits.map((split) => ({ value: split, label: split }))]}
          onChange={(split) => set({ split: split || undefined, page: undefined, example: undefined })}
        />
      ) : null}
      {children}
      <span className="grow" />
      {readOnly ? null : (
        <Button icon={<Plus size={13} aria-hidden />} onClick={onNew}>
          Add example
        </Button>
      )}
    </div>
  );
}

function NoExamples({ filtered, onNew }: { filtered: boolean; onNew: () => void }) {
  if (filtered) return <EmptyState icon={<ListChecks size={24} aria-hidden />} title="No examples here" />;
  return (
    <EmptyState
      icon={<ListChecks size={24} aria-hidden />}
      title="No examples yet"
      actions={
        <Button icon={<Plus size={13} aria-hidden />} onClick={onNew}>
          Add example
        </Button>
      }
    >
      <p>
        Write one by hand, or send many with <span className="mono">client.create_examples()</span> of the LangSmith
        SDK.
      </p>
    </EmptyState>
  );
}

interface KeyProps {
  rows: Example[];
  search: DatasetSearch;
  set: Props["set"];
  selected: ReadonlySet<string>;
  setSelected: (selected: ReadonlySet<string>) => void;
  readOnly: boolean;
}

/** The row with the cursor, and the keys that move it. */
function useExampleKeys({ rows, search, set, selected, setSelected, readOnly }: KeyProps) {
  const [cursor, setCursor] = useState<string | null>(null);
  const current = search.example ?? cursor;
  const place = rows.findIndex((row) => row.id === current);
  const move = (to: number) => {
    const row = rows[Math.min(rows.length - 1, Math.max(0, to))];
    if (!row) return;
    setCursor(row.id);
    if (search.example !== undefined && search.example !== NEW) set({ example: row.id }, true);
    const line = document.getElementById(`row-${row.id}`);
    // Enter is for the row from now on, not for the button that was clicked before.
    line?.querySelector("button")?.focus({ preventScroll: true });
    line?.scrollIntoView({ block: "nearest" });
  };
  const toggle = () => {
    const row = rows[place];
    if (!row || readOnly) return;
    const next = new Set(selected);
    if (!next.delete(row.id)) next.add(row.id);
    setSelected(next);
  };
  const group = "Examples";
  useCommands([
    { id: "down", title: "Next example", group, keys: ["j", "ArrowDown"], run: () => move(place + 1), keysOnly: true },
    {
      id: "up",
      title: "Previous example",
      group,
      keys: ["k", "ArrowUp"],
      run: () => move(place < 0 ? 0 : place - 1),
      keysOnly: true,
    },
    {
      id: "open",
      title: "Open or close the example",
      group,
      keys: ["Enter", " "],
      run: () => place >= 0 && set({ example: search.example === undefined ? rows[place].id : undefined }),
    },
    {
      id: "close",
      title: "Close the example",
      group,
      keys: ["Escape"],
      when: () => search.example !== undefined,
      run: () => {
        setCursor(search.example ?? null);
        set({ example: undefined });
      },
    },
    { id: "select", title: "Select the example", group, keys: ["x"], run: toggle },
    {
      id: "new-example",
      title: "Add an example",
      group,
      keys: ["n"],
      when: () => !readOnly,
      run: () => set({ example: NEW }),
    },
  ]);
  return [current, setCursor] as const;
}
