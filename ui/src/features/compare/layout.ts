//! Geometry that the table and its keys share.

export const ROW_PX = 100;
export const HEAD_PX = 34;

/** Where the first row begins within what scrolls: the figures stand above. */
export const rowsTop = (viewport: HTMLElement): number =>
  viewport.querySelector<HTMLElement>("[data-rows]")?.offsetTop ?? 0;

/** Scrolls as little as needed to show a row whole, below the header that sticks. */
export function showIndex(viewport: HTMLElement, index: number): void {
  const top = rowsTop(viewport) + index * ROW_PX;
  if (top - HEAD_PX < viewport.scrollTop) viewport.scrollTop = top - HEAD_PX;
  else if (top + ROW_PX > viewport.scrollTop + viewport.clientHeight)
    viewport.scrollTop = top + ROW_PX - viewport.clientHeight;
}
