//! How a fresh first page meets the pages that are already on screen.

import type { ListRow, RowPage } from "./rows";

/** Keys of the fresh page that the list does not hold yet. */
export function newKeys(old: readonly ListRow[], fresh: readonly ListRow[]): string[] {
  const known = new Set(old.map((row) => row.key));
  return fresh.filter((row) => !known.has(row.key)).map((row) => row.key);
}

/** The list with known rows brought up to date and nothing moved: for while somebody reads it. */
export function patchRows(pages: readonly RowPage[], fresh: readonly ListRow[]): RowPage[] {
  const byKey = new Map(fresh.map((row) => [row.key, row]));
  return pages.map((page) => ({ ...page, rows: page.rows.map((row) => byKey.get(row.key) ?? row) }));
}

/**
 * The list as the server has it now. The fresh page decides about its own stretch: rows that it does not name any more
 * are gone. What lay beyond it stays, unless so much arrived that nothing joins the two: then the list starts anew.
 */
export function mergeFirst(pages: readonly RowPage[], fresh: RowPage): RowPage[] {
  const old = pages.flatMap((page) => page.rows);
  const last = fresh.rows.at(-1);
  if (fresh.next === null || last === undefined || old.length === 0) return [fresh];
  const end = old.findIndex((row) => row.key === last.key);
  const keys = new Set(fresh.rows.map((row) => row.key));
  if (end < 0 && !old.some((row) => keys.has(row.key))) return [fresh];
  const rest = (end < 0 ? old : old.slice(end + 1)).filter((row) => !keys.has(row.key));
  return [{ rows: [...fresh.rows, ...rest], next: pages.at(-1)?.next ?? null }];
}
