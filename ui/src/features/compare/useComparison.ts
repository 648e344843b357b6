//! Everything the page shows, from the address and the server's answers.

import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useEffect, useMemo } from "react";
import { datasetQuery } from "@/lib/api/datasets";
import {
  exampleRunsQuery,
  type Experiment,
  experimentsByIdQuery,
  feedbackConfigsQuery,
  preferencesQuery,
} from "@/lib/api/experiments";
import { arranged, change, directionsOf, type Row, scoreKeys, tally, toRow } from "./model";
import { type CompareSearch, type Filter, FILTERS, validateCompareSearch } from "./search";

export const route = getRouteApi("/p/$project/datasets/$datasetId/compare");

const NONE: never[] = [];

export function useComparison() {
  const { project, datasetId } = route.useParams();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const set = (patch: CompareSearch, replace = true) =>
    void navigate({ search: (old) => validateCompareSearch({ ...old, ...patch }), replace });

  // The baseline is always the first column.
  const ids = useMemo(() => {
    const asked = [...new Set((search.ids ?? "").split(",").filter((id) => id !== ""))];
    const base = asked.find((id) => id === search.base) ?? asked[0];
    return base === undefined ? asked : [base, ...asked.filter((id) => id !== base)];
  }, [search.ids, search.base]);

  const dataset = useQuery(datasetQuery(datasetId));
  const experiments = useQuery(experimentsByIdQuery(ids));
  const configs = useQuery(feedbackConfigsQuery());
  const preferences = useQuery(preferencesQuery(search.comparative));
  const columns = experiments.data ?? NONE;
  const shown = useMemo(() => columns.map((experiment: Experiment) => experiment.id), [columns]);
  const runs = useInfiniteQuery(exampleRunsQuery(datasetId, shown));
  const { hasNextPage, isFetching, isError, fetchNextPage } = runs;
  useEffect(() => {
    if (hasNextPage && !isFetching && !isError) void fetchNextPage();
  }, [hasNextPage, isFetching, isError, fetchNextPage]);

  const pages = runs.data?.pages;
  const rows = useRows(pages);
  const keys = useMemo(() => scoreKeys(rows), [rows]);
  const direction = useMemo(() => directionsOf(configs.data ?? NONE, search.dir), [configs.data, search.dir]);
  const by = search.by === "all" ? "all" : (keys.find((key) => key === search.by) ?? keys[0]);
  const counted = useMemo(() => (by === "all" ? keys : by === undefined ? NONE : [by]), [by, keys]);
  // With one experiment it is its own baseline: nothing changed.
  const focus = Math.min(Math.max(2, Number(search.col) || 2), Math.max(1, columns.length)) - 1;
  const [base, other] = [shown[0] ?? "", shown[focus] ?? shown[0] ?? ""];

  const changes = useMemo(
    () => rows.map((row) => change(row.cells.get(base), row.cells.get(other), counted, direction)),
    [rows, base, other, counted, direction],
  );
  const result = useMemo(() => tally(rows, changes, base, other), [rows, changes, base, other]);
  const order = useMemo(
    () => arranged(rows, changes, [base, other], search.only, search.sort),
    [rows, changes, base, other, search.only, search.sort],
  );
  const filterCounts = useMemo(() => {
    const count = (only: Filter): number => arranged(rows, changes, [base, other], only, undefined).length;
    return Object.fromEntries(FILTERS.map((only) => [only, count(only)])) as Record<Filter, number>;
  }, [rows, changes, base, other]);
  const preferred = useMemo(() => {
    const byRun = new Map<string, { wins: boolean; why: string | null }>();
    for (const { run_id, score, comment } of preferences.data ?? NONE)
      if (run_id !== null && score !== null) byRun.set(run_id, { wins: Number(score) > 0, why: comment });
    return byRun;
  }, [preferences.data]);

  return {
    project,
    datasetId,
    search,
    set,
    ids,
    dataset,
    experiments,
    runs,
    preferences,
    columns,
    rows,
    keys,
    direction,
    by,
    counted,
    focus,
    base,
    other,
    changes,
    tally: result,
    order,
    filterCounts,
    preferred,
    loading: experiments.isPending || runs.isPending || hasNextPage,
  };
}

export type ComparisonState = ReturnType<typeof useComparison>;

/** Rows of pages that came before are not made again. */
function useRows(pages: Parameters<typeof toRow>[0][][] | undefined): Row[] {
  const made = useMemo(() => new WeakMap<object, Row[]>(), []);
  return useMemo(
    () =>
      (pages ?? []).flatMap((page) => {
        const known = made.get(page);
        if (known) return known;
        const rows = page.map(toRow);
        made.set(page, rows);
        return rows;
      }),
    [pages, made],
  );
}
