import { textParam, wordParam } from "@/lib/url";

/** What the address of the list of datasets holds. */
export interface DatasetsSearch {
  /** A part of the name. */
  q?: string;
}

export const validateDatasetsSearch = (search: Record<string, unknown>): DatasetsSearch => ({ q: textParam(search.q) });

export const TABS = ["experiments", "versions"] as const;

/** What the address of a dataset holds. */
export interface DatasetSearch {
  /** The examples when it is missing. */
  tab?: (typeof TABS)[number];
  /** A time or tag: the examples as they were then. */
  version?: string;
  split?: string;
  /** Counted from 2; the first is not written. */
  page?: string;
  /** Id of the example beside the table, or `new`. */
  example?: string;
  /** Ids of the experiments that are chosen, with commas. */
  pick?: string;
  /** Versions that are compared. */
  from?: string;
  to?: string;
}

export const NEW = "new";

export const validateDatasetSearch = (search: Record<string, unknown>): DatasetSearch => ({
  tab: wordParam(search.tab, TABS),
  version: textParam(search.version),
  split: textParam(search.split),
  page: textParam(search.page),
  example: textParam(search.example),
  pick: textParam(search.pick),
  from: textParam(search.from),
  to: textParam(search.to),
});
