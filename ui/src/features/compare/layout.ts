//! Geometry that the table and its keys share.

/** A row whose scores stand in one line. */
const ROW_PX = 100;
const LINE_PX = 18;
export const HEAD_PX = 34;
/** What stands beside the scores in a cell: its padding, the cost, a tag. */
const BESIDE_PX = 130;
const GAP_PX = 10;
/** Wide for the font, so that a score takes rather too much room than too little. */
const CHAR_PX = 6.4;
/** `0.333`, and the change in front of which stands a blank: ` +0.333`. */
const SCORE_CHARS = 6;
const DELTA_CHARS = 7;
/** More scores than these lines hold are in the pane of the example. */
const MOST_LINES = 5;

/** How many lines the scores under an answer need in a column of this width. */
export function scoreLines(keys: readonly string[], columnPx: number, compared: boolean): number {
  const room = columnPx - BESIDE_PX;
  let [lines, used] = [1, 0];
  for (const key of keys) {
    const width = (key.length + SCORE_CHARS + (compared ? DELTA_CHARS : 0)) * CHAR_PX;
    if (used > 0 && used + GAP_PX + width > room) [lines, used] = [lines + 1, width];
    else used += (used > 0 ? GAP_PX : 0) + width;
  }
  return Math.min(MOST_LINES, lines);
}

/** All rows have one height, so that a row's place is a product. */
export const rowPxOf = (lines: number): number => ROW_PX + (lines - 1) * LINE_PX;

const rowsOf = (viewport: HTMLElement) => viewport.querySelector<HTMLElement>("[data-rows]");

/** Where the first row begins within what scrolls: the figures stand above. */
export const rowsTop = (viewport: HTMLElement): number => rowsOf(viewport)?.offsetTop ?? 0;

/** Scrolls as little as needed to show a row whole, below the header that sticks. */
export function showIndex(viewport: HTMLElement, index: number): void {
  const rowPx = Number(rowsOf(viewport)?.dataset.rows ?? ROW_PX);
  const top = rowsTop(viewport) + index * rowPx;
  if (top - HEAD_PX < viewport.scrollTop) viewport.scrollTop = top - HEAD_PX;
  else if (top + rowPx > viewport.scrollTop + viewport.clientHeight)
    viewport.scrollTop = top + rowPx - viewport.clientHeight;
}
