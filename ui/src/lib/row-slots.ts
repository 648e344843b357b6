//! Which rows of a long list exist as elements, and in which order they stand in the document. Elements are reused by
//! slot (`row % slots`) and keep their place while the list moves: an element that moves within the document loses its
//! style and layout, which costs more than all that React does. At rest the document is put into reading order again,
//! for those who read it without seeing it.

import { useEffect, useState } from "react";

/** Scrolling that stands still this long has come to rest. */
const REST_MS = 200;

/**
 * Rows `first..last` (at most `slots`) in the order of their elements. `anchor` is the row that the document begins
 * with: with `anchor = first` this is the order of the list.
 */
export function rowsBySlot(first: number, last: number, slots: number, anchor: number): number[] {
  const rows: number[] = [];
  for (let k = 0; k < slots; k++) {
    const r = first + ((((anchor + k - first) % slots) + slots) % slots);
    if (r < last) rows.push(r);
  }
  return rows;
}

/** Rows in the order of their elements; the key of each is `row % slots`. */
export function useRowSlots(first: number, last: number, slots: number): number[] {
  const [anchor, setAnchor] = useState(first);
  useEffect(() => {
    const timer = setTimeout(() => setAnchor(first), REST_MS);
    return () => clearTimeout(timer);
  }, [first]);
  return rowsBySlot(first, last, slots, anchor);
}
