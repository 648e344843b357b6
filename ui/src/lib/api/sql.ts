//! Statements in SQL: their types, paths and cache keys.

import { queryOptions } from "@tanstack/react-query";
import { download, get, post } from "./client";

export interface SqlColumn {
  name: string;
  type: string;
}

export interface SqlAnswer {
  columns: SqlColumn[];
  /** Decimals and times are text. */
  rows: unknown[][];
  row_count: number;
  is_cut: boolean;
}

export interface SqlTable {
  name: string;
  description: string;
  columns: { name: string; type: string; description: string }[];
}

/** Rows that the page shows. */
const SHOWN_ROWS = 1_000;

export const askSql = (query: string, signal?: AbortSignal): Promise<SqlAnswer> =>
  post("/sql", { body: { query, limit: SHOWN_ROWS }, signal });

/** The whole answer as a file. */
export const downloadCsv = (query: string): Promise<Blob> =>
  download("/sql", { body: { query, format: "csv" } }, "POST");

export const sqlSchemaQuery = () =>
  queryOptions({
    queryKey: ["sql-schema"],
    queryFn: async ({ signal }) => (await get<{ tables: SqlTable[] }>("/sql/schema", { signal })).tables,
    staleTime: Infinity,
  });
