import { type PointerEvent, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { Axis } from "@/lib/api/types";
import { formatCost, formatDuration, formatTokens, plural } from "@/lib/format";
import { useStore } from "@/lib/store";
import { theme as themeStore } from "@/lib/theme";
import { useSize } from "@/lib/use-size";
import { TypeIcon } from "@/components/TypeIcon";
import { formatOn, type Window } from "../model/axis";
import { nameOf, type TraceModel, typeOf } from "../model/types";
import type { TraceState } from "../state/useTraceState";
import { drawOverview, nodeAt, type OverviewLook } from "./draw-overview";
import styles from "./Overview.module.css";

const HEIGHT = 84;
const FLAME_HEIGHT = 190;
const DRAG_PX = 3;
const CAPTION: Record<Axis, string> = {
  time: "Where the time went",
  cost: "Where the money went",
  tokens: "Where the tokens went",
};

/** The trace on one screen. Drag = zoom, wheel = zoom, click = select, double click = reset. */
export function Overview({ state }: { state: TraceState }) {
  const { model: t, axis, zoom, flame } = state;
  const theme = useStore(themeStore);
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width } = useSize(box);
  const height = flame ? FLAME_HEIGHT : HEIGHT;
  // The large overview follows the zoom; the small one always shows everything.
  const [from, to] = flame ? zoom.window : [0, zoom.max];
  const look = useMemo<OverviewLook>(
    () => ({ width, height, view: [from, to], axis, labels: flame }),
    [width, height, from, to, axis, flame],
  );
  useLayoutEffect(() => {
    if (canvas.current) drawOverview(canvas.current, t, look, state.selected, state.critical);
  }, [t, look, state.selected, state.critical, theme]);
  useWheelZoom(box, look, zoom.window, zoom.zoomTo);
  const drag = useDrag(state, look);
  const scale = width / (to - from);
  const px = (x: number): number => (x - from) * scale;
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions, jsx-a11y/click-events-have-key-events -- the grid below is the full alternative; zoom has keys
    <div
      className={styles.over}
      ref={box}
      style={{ height }}
      role="img"
      aria-label={`Overview of ${plural(t.runs, "span")} by ${axis}`}
      {...drag.handlers}
      onDoubleClick={zoom.reset}
    >
      <canvas ref={canvas} />
      <span className={styles.label}>
        {CAPTION[axis]} · {formatOn(axis, zoom.max)}
      </span>
      {zoom.zoomed && !flame ? <ZoomMarks left={px(zoom.window[0])} right={px(zoom.window[1])} width={width} /> : null}
      {drag.band ? (
        <div className={styles.window} style={{ left: drag.band[0], width: drag.band[1] - drag.band[0] }} />
      ) : null}
      {drag.tip ? <Tip t={t} {...drag.tip} width={width} height={height} /> : null}
    </div>
  );
}

const ZoomMarks = ({ left, right, width }: { left: number; right: number; width: number }) => (
  <>
    <div className={styles.shade} style={{ left: 0, width: left }} />
    <div className={styles.shade} style={{ left: right, width: Math.max(0, width - right) }} />
    <div className={styles.window} style={{ left, width: Math.max(4, right - left) }} />
  </>
);

function useWheelZoom(
  box: { current: HTMLElement | null },
  look: OverviewLook,
  window: Window,
  zoomTo: (window: Window) => void,
): void {
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const onWheel = (event: WheelEvent): void => {
      event.preventDefault();
      const share = (event.clientX - element.getBoundingClientRect().left) / look.width;
      const at = look.view[0] + share * (look.view[1] - look.view[0]);
      const factor = Math.exp(event.deltaY * 0.002);
      zoomTo([at - (at - window[0]) * factor, at + (window[1] - at) * factor]);
    };
    // React listens passively to wheel; zooming has to stop the page from scrolling.
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, [box, look, window, zoomTo]);
}

interface TipAt {
  x: number;
  y: number;
  node: number;
}

function useDrag(state: TraceState, look: OverviewLook) {
  const { model: t, zoom, select } = state;
  const start = useRef<number | null>(null);
  const [band, setBand] = useState<Window | null>(null);
  const [tip, setTip] = useState<TipAt | null>(null);
  const place = (event: PointerEvent<HTMLElement>): { x: number; y: number } => {
    const rect = event.currentTarget.getBoundingClientRect();
    return { x: event.clientX - rect.left, y: event.clientY - rect.top };
  };
  const stop = useCallback(() => {
    start.current = null;
    setBand(null);
  }, []);
  const onPointerDown = (event: PointerEvent<HTMLElement>) => {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    start.current = place(event).x;
  };
  const onPointerMove = (event: PointerEvent<HTMLElement>) => {
    const { x, y } = place(event);
    if (start.current === null) {
      const node = nodeAt(t, look, x, y);
      setTip(node >= 0 ? { x, y, node } : null);
      return;
    }
    setTip(null);
    if (band || Math.abs(x - start.current) > DRAG_PX)
      setBand([Math.min(x, start.current), Math.max(x, start.current)]);
  };
  const onPointerUp = (event: PointerEvent<HTMLElement>) => {
    if (start.current === null) return;
    const at = (x: number): number => look.view[0] + (x / look.width) * (look.view[1] - look.view[0]);
    const { x, y } = place(event);
    if (band) zoom.zoomTo([at(band[0]), at(band[1])]);
    else {
      const node = nodeAt(t, look, x, y);
      if (node >= 0) select(node);
    }
    stop();
  };
  const handlers = {
    onPointerDown,
    onPointerMove,
    onPointerUp,
    onPointerCancel: stop,
    onPointerLeave: () => setTip(null),
  };
  return { handlers, band, tip };
}

function Tip({ t, node, x, y, width, height }: { t: TraceModel; width: number; height: number } & TipAt) {
  const tokens = t.tokens[node];
  return (
    <div
      className={styles.tip}
      style={{ left: Math.max(4, Math.min(x + 12, width - 300)), top: Math.min(y + 12, height - 30) }}
    >
      <TypeIcon type={typeOf(t, node)} />
      <b>{nameOf(t, node)}</b>
      <span className="num">{formatDuration(t.end[node] - t.start[node])}</span>
      {Number.isNaN(t.cost[node]) ? null : <span className="num">{formatCost(t.cost[node])}</span>}
      {tokens > 0 ? <span className="num">{formatTokens(tokens)} tok</span> : null}
    </div>
  );
}
