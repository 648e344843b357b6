import { textParam, wordParam } from "@/lib/url";

export const FILTERS = ["changed", "better", "worse", "errors"] as const;
export type Filter = (typeof FILTERS)[number];
export const SORTS = ["regression", "improvement", "cost", "latency"] as const;
export type Sort = (typeof SORTS)[number];
export const DIFFS = ["baseline", "off"] as const;

/** What the address of a comparison holds. */
export interface CompareSearch {
  /** Ids of experiments, with commas. */
  ids?: string;
  /** Id of the experiment that the others are measured against; the first one when it is missing. */
  base?: string;
  /** The column that the verdict, filters and order are about: 2 is the one beside the baseline. */
  col?: string;
  /** The score that decides what is better; all of them when it is `all`. */
  by?: string;
  /** Which direction is better where it is not what the config says: `length:lower,…`. */
  dir?: string;
  only?: Filter;
  sort?: Sort;
  /** What outputs are compared with word by word: the reference when it is missing. */
  diff?: (typeof DIFFS)[number];
  /** The example that is open beside the table. */
  example?: string;
  /** A pairwise comparison whose preferences are shown. */
  comparative?: string;
}

export const validateCompareSearch = (search: Record<string, unknown>): CompareSearch => ({
  ids: textParam(search.ids),
  base: textParam(search.base),
  col: textParam(search.col),
  by: textParam(search.by),
  dir: textParam(search.dir),
  only: wordParam(search.only, FILTERS),
  sort: wordParam(search.sort, SORTS),
  diff: wordParam(search.diff, DIFFS),
  example: textParam(search.example),
  comparative: textParam(search.comparative),
});
