//! How fresh records meet those on screen. Records never change and never go away, so only new ones matter.

import type { LogPage, LogRow } from "@/lib/api/telemetry";

/** Records of the fresh page that the list does not hold yet. */
export function unknownOf(pages: readonly LogPage[], fresh: LogPage): LogRow[] {
  const known = new Set(pages.flatMap((page) => page.logs.map((log) => log.id)));
  return fresh.logs.filter((log) => !known.has(log.id));
}

const newestFirst = (a: LogRow, b: LogRow): number => b.time - a.time || (a.id < b.id ? 1 : -1);

/**
 * The pages with what is new in them, newest first. When so much arrived that the fresh page and the list have nothing
 * in common, records between the two are missing: then the list starts anew.
 */
export function mergeNewest(pages: readonly LogPage[], fresh: LogPage): LogPage[] {
  const added = unknownOf(pages, fresh);
  const [first, ...rest] = pages;
  if (!first || first.logs.length === 0) return [fresh];
  if (added.length === 0) return [...pages];
  if (added.length === fresh.logs.length && fresh.next_cursor !== null) return [fresh];
  return [{ ...first, logs: [...added, ...first.logs].toSorted(newestFirst) }, ...rest];
}
