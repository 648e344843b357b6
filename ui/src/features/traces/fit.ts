//! Which columns there is room for.

import type { Column } from "./columns";

export const GAP = 10;
const EDGES_PX = 24;
const MARK_PX = 16;
const DATED_PX = 118;
/** Of the column that takes what is left: never less, and before it gets less than this others go. */
const IO_MIN_PX = 150;
const IO_ROOM_PX = 180;
/** When, what, whether it failed, and what was said: a row says nothing without them. */
const STAY = new Set(["time", "status", "name", "io"]);

/** Pixels of each column; 0 takes what is left. With a date a time is longer. */
export const widthsOf = (columns: readonly Column[], dated: boolean): number[] =>
  columns.map((column) => (column.id === "time" && dated ? DATED_PX : column.width));

const sum = (widths: readonly number[], ioPx: number): number =>
  widths.reduce((all, width) => all + (width || ioPx) + GAP, EDGES_PX + MARK_PX);

/** Narrower than this the table scrolls to the side. */
export const minWidthOf = (widths: readonly number[]): number => sum(widths, IO_MIN_PX);

/** The columns that fit into `room` pixels: from the right they give way, but not the one that sorts the rows. */
export function fitting(columns: readonly Column[], room: number, dated: boolean, sort: string): Column[] {
  const fit = [...columns];
  const isSort = (column: Column): boolean => column.sort !== undefined && sort.replace(/^-/, "") === column.sort;
  for (let at = fit.length - 1; at >= 0 && sum(widthsOf(fit, dated), IO_ROOM_PX) > room; at--)
    if (!STAY.has(fit[at].id) && !isSort(fit[at])) fit.splice(at, 1);
  return fit;
}
