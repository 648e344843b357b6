import type { ReactNode } from "react";
import { cx } from "@/lib/cx";
import styles from "./ChartTip.module.css";

const GAP_PX = 10;

interface Props {
  /** Where the pointer is, in pixels from the left edge of the chart. */
  x: number;
  /** Of the chart, in pixels. */
  width: number;
  title: ReactNode;
  /** Beside each other, for charts of little height. */
  inLine?: boolean;
  children: ReactNode;
}

/**
 * What a chart says about the place under the pointer: beside it, and never over the chart's edges. The chart's own name
 * says the same as a whole, so it is not read out.
 */
export function ChartTip({ x, width, title, inLine, children }: Props) {
  return (
    <div ref={(element) => place(element, x, width)} className={cx(styles.tip, inLine && styles.inLine)} aria-hidden>
      <b>{title}</b>
      {children}
    </div>
  );
}

function place(element: HTMLElement | null, x: number, width: number): void {
  if (element) element.style.left = `${leftOf(x, element.offsetWidth, width)}px`;
}

/** Right of the pointer where there is room, else left of it, else as far right as fits. */
export function leftOf(x: number, own: number, width: number): number {
  if (x + GAP_PX + own <= width) return x + GAP_PX;
  if (x - GAP_PX - own >= 0) return x - GAP_PX - own;
  return Math.max(0, width - own);
}
