//! Geometry of the table that more than one file needs.

import { useMediaQuery } from "@/lib/media";

export const HEAD_PX = 28;
const ROW_PX = 34;
/** Below 640 px a row has two lines. */
export const STACKED_PX = 58;

const narrow = matchMedia("(max-width: 639px)");

/** Height of a row on this screen. */
export const useRowPx = (): number => (useMediaQuery(narrow) ? STACKED_PX : ROW_PX);

/** Scrolls as little as needed to show a row whole, below the sticky header. */
export function showRow(viewport: HTMLElement, index: number, rowPx: number): void {
  const top = index * rowPx;
  const room = viewport.clientHeight - HEAD_PX;
  if (top < viewport.scrollTop) viewport.scrollTop = top;
  else if (top + rowPx > viewport.scrollTop + room) viewport.scrollTop = top + rowPx - room;
}
