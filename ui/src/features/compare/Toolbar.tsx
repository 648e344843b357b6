import { formatInt } from "@/lib/format";
import { Choice } from "@/components/Choice";
import { Segmented } from "@/components/Segmented";
import styles from "./Toolbar.module.css";
import { type Filter, FILTERS, type Sort, SORTS } from "./search";
import { DIFFS } from "./search";
import type { ComparisonState } from "./useComparison";

const FILTER_NAMES: Record<Filter, string> = { changed: "Changed", better: "Better", worse: "Worse", errors: "Errors" };
const SORT_NAMES: Record<Sort, string> = {
  regression: "Worst first",
  improvement: "Best first",
  cost: "Rise in cost",
  latency: "Rise in latency",
};
const find = <T extends string>(words: readonly T[], value: string): T | undefined =>
  words.find((word) => word === value);

/** What to show, in which order, by which score, and what words are compared with. */
export function Toolbar({ state }: { state: ComparisonState }) {
  const { search, set, keys, by, columns, filterCounts } = state;
  const comparing = columns.length > 1;
  const filters: readonly Filter[] = comparing ? FILTERS : ["errors"];
  return (
    <div className={styles.bar} role="toolbar" aria-label="Rows">
      <Segmented
        label="Show"
        value={search.only ?? "all"}
        options={[
          { value: "all", label: "All" },
          ...filters.map((only) => ({ value: only, label: `${FILTER_NAMES[only]} ${formatInt(filterCounts[only])}` })),
        ]}
        onChange={(value) => set({ only: find(FILTERS, value) })}
      />
      {comparing ? (
        <Choice
          label="Sort"
          value={search.sort ?? ""}
          options={[
            { value: "", label: "As in the dataset" },
            ...SORTS.map((sort) => ({ value: sort, label: SORT_NAMES[sort] })),
          ]}
          onChange={(value) => set({ sort: find(SORTS, value) })}
        />
      ) : null}
      {comparing && keys.length > 1 ? (
        <Choice
          label="Better by"
          value={by ?? ""}
          options={[...keys.map((key) => ({ value: key, label: key })), { value: "all", label: "All scores" }]}
          onChange={(value) => set({ by: value })}
        />
      ) : null}
      <span className="grow" />
      <span className={styles.label}>Mark words that differ from</span>
      <Segmented
        label="Mark words that differ from"
        value={search.diff ?? "reference"}
        options={[
          { value: "reference", label: "Reference" },
          ...(comparing ? [{ value: "baseline", label: "Baseline" }] : []),
          { value: "off", label: "Nothing" },
        ]}
        onChange={(value) => set({ diff: find(DIFFS, value) })}
      />
    </div>
  );
}
