//! Where the rows of a list are when some of them are open: closed rows have one height, open ones have more.

export interface OpenRow {
  index: number;
  /** What the row takes in addition to its own line. */
  extra: number;
}

export interface Layout {
  total: number;
  topOf: (index: number) => number;
  /** The row at a height; the last one below all. */
  indexAt: (y: number) => number;
}

/** `open` in the order of the list. Costs nothing per closed row, so a list may be as long as it likes. */
export function layoutOf(count: number, rowPx: number, open: readonly OpenRow[]): Layout {
  const extras = open.reduce((sum, row) => sum + row.extra, 0);
  const topOf = (index: number): number => {
    let top = index * rowPx;
    for (const row of open) {
      if (row.index >= index) break;
      top += row.extra;
    }
    return top;
  };
  const indexAt = (y: number): number => {
    let above = 0;
    for (const row of open) {
      if (y < row.index * rowPx + above + rowPx) break;
      if (y < row.index * rowPx + above + rowPx + row.extra) return row.index;
      above += row.extra;
    }
    return Math.max(0, Math.min(count - 1, Math.floor((y - above) / rowPx)));
  };
  return { total: count * rowPx + extras, topOf, indexAt };
}
