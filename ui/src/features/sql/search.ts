import { textParam } from "@/lib/url";

/** What the address of the SQL page holds. */
export interface SqlSearch {
  /** The statement that was run last. */
  q?: string;
}

export const validateSqlSearch = (search: Record<string, unknown>): SqlSearch => ({ q: textParam(search.q) });
