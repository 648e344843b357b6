import { textParam, wordParam } from "@/lib/url";

export const UNITS = ["traces", "runs"] as const;
export type Unit = (typeof UNITS)[number];

export const DEFAULT_SORT = "-start";

/** What the address of the list holds. Absent = the default. */
export interface TracesSearch {
  q?: string;
  t?: string;
  sort?: string;
  /** Columns in their order, by commas. */
  cols?: string;
  /** Key of the row that is open in the peek pane. */
  peek?: string;
  unit?: Unit;
}

const unless = (value: string | undefined, standard: string): string | undefined =>
  value === standard ? undefined : value;

export function validateTracesSearch(search: Record<string, unknown>): TracesSearch {
  const unit = wordParam(search.unit, UNITS);
  return {
    q: textParam(search.q),
    t: textParam(search.t),
    sort: unless(textParam(search.sort), DEFAULT_SORT),
    cols: textParam(search.cols),
    peek: textParam(search.peek),
    unit: unit === "traces" ? undefined : unit,
  };
}
