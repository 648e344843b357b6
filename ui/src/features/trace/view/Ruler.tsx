import { useLayoutEffect, useRef } from "react";
import { useStore } from "@/lib/store";
import { theme as themeStore } from "@/lib/theme";
import { ERROR } from "../model/types";
import type { TraceState } from "../state/useTraceState";
import { ROW_PX } from "./geometry";
import styles from "./Grid.module.css";

const WIDTH = 8;

/** Errors, matches and the selection of the whole list at the right edge, as in a code editor. */
export function Ruler({ state, height }: { state: TraceState; height: number }) {
  const ref = useRef<HTMLCanvasElement>(null);
  const theme = useStore(themeStore);
  const { model: t, rows, count, selectedRow } = state;
  const mask = state.find.mask;
  useLayoutEffect(() => {
    const canvas = ref.current;
    const context = canvas?.getContext("2d");
    if (!canvas || !context || height === 0) return;
    const ratio = devicePixelRatio || 1;
    canvas.width = WIDTH * ratio;
    canvas.height = height * ratio;
    context.scale(ratio, ratio);
    const style = getComputedStyle(canvas);
    // A list shorter than the view has its marks beside its rows.
    const step = Math.min(ROW_PX, height / Math.max(1, count));
    const y = (r: number): number => r * step + (step > 8 ? step / 2 : 0);
    const marks = (color: string, x: number, test: (i: number) => boolean): void => {
      context.fillStyle = style.getPropertyValue(color);
      for (let r = 0; r < count; r++) if (test(rows[r])) context.fillRect(x, y(r), WIDTH - x, 2);
    };
    if (mask) marks("--mark", 0, (i) => mask[i] === 1);
    marks("--err", 3, (i) => t.status[i] === ERROR);
    if (selectedRow >= 0) {
      context.fillStyle = style.getPropertyValue("--sel-line");
      context.fillRect(0, y(selectedRow) - 1, WIDTH, 2);
    }
  }, [t, rows, count, mask, selectedRow, height, theme]);
  return <canvas className={styles.ruler} ref={ref} aria-hidden />;
}
