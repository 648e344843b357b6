import { type MouseEvent, type UIEvent, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { flushSync } from "react-dom";
import type { Previews } from "@/lib/api/types";
import { cx } from "@/lib/cx";
import { useRowSlots } from "@/lib/row-slots";
import { useSize } from "@/lib/use-size";
import { axisTicks, type Tick } from "../model/axis";
import { toolsBelow } from "../model/fold";
import { type TraceModel, typeOf } from "../model/types";
import { usePreviews } from "../state/usePreviews";
import type { TraceState } from "../state/useTraceState";
import { ROW_PX } from "./geometry";
import styles from "./Grid.module.css";
import { Row, rowId } from "./Row";
import { Ruler } from "./Ruler";
import { useLaneWheel } from "./useLaneWheel";

export const GRID_ID = "trace-grid";
/** Rows rendered beyond each edge, so that fast scrolling finds them there. */
const OVERSCAN = 8;

/** Tree and waterfall in one virtual grid: only what is on screen exists as elements. */
export function Grid({ state, onOpen }: { state: TraceState; onOpen: () => void }) {
  const { model: t, rows, count, axis, find, critical } = state;
  const [from, to] = state.zoom.window;
  const viewport = useRef<HTMLDivElement>(null);
  const lane = useRef<HTMLDivElement>(null);
  const [topRow, setTopRow] = useState(0);
  const { height } = useSize(viewport);
  const { width: laneWidth } = useSize(lane);
  useScrollToSelection(viewport, state);
  useLaneWheel(viewport, lane, state.zoom);
  const ticks = useMemo(() => axisTicks([from, to], axis, laneWidth), [from, to, axis, laneWidth]);

  const first = Math.max(0, topRow - OVERSCAN);
  const slots = Math.ceil((height || 600) / ROW_PX) + OVERSCAN * 2 + 1;
  const last = Math.min(count, first + slots);
  const previews = usePreviews(t, rows, first, last);
  const orphans = useMemo(() => new Set(t.skeleton.runs.orphan), [t]);
  const items = useRowSlots(first, last, slots).map((r) => {
    const i = rows[r];
    const hit = find.mask === null || find.mask[i] === 1;
    return (
      <Row
        key={r % slots}
        t={t}
        i={i}
        r={r}
        top={r * ROW_PX}
        open={t.size[i] > 1 ? state.fold.isOpen(i) : null}
        selected={i === state.selected}
        axis={axis}
        from={from}
        to={to}
        laneWidth={laneWidth}
        dim={!hit || (critical !== null && critical.on[i] === 0)}
        find={find.mask && hit ? find.text : ""}
        critical={critical}
        preview={previewOf(t, i, previews)}
        orphan={t.run[i] >= 0 && orphans.has(t.run[i])}
      />
    );
  });

  const onMouseDown = (event: MouseEvent<HTMLDivElement>) => {
    const i = nodeOf(event);
    if (i < 0 || event.button !== 0) return;
    if ((event.target as Element).closest("[data-fold]")) {
      event.preventDefault();
      viewport.current?.focus();
      state.fold.toggle(i);
      return;
    }
    if ((event.target as Element).closest("[data-asides]")) {
      event.preventDefault();
      viewport.current?.focus();
      state.fold.toggleAsides(i);
      return;
    }
    state.select(i, false);
    onOpen();
  };
  const onScroll = (event: UIEvent<HTMLDivElement>) => {
    const row = Math.floor(event.currentTarget.scrollTop / ROW_PX);
    // In this frame, not after it: the rows belong where the list already is.
    if (row !== topRow) flushSync(() => setTopRow(row));
  };
  const onDoubleClick = (event: MouseEvent<HTMLDivElement>) => {
    const i = nodeOf(event);
    if (i >= 0 && !(event.target as Element).closest("[data-fold]")) state.zoom.zoomToNode(i);
  };
  return (
    <>
      <GridHead ticks={ticks} laneWidth={laneWidth} laneRef={lane} />
      <div className={styles.wrap}>
        {/* oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- keys are commands of the page, see useTraceKeys */}
        <div
          className={styles.viewport}
          ref={viewport}
          id={GRID_ID}
          tabIndex={0}
          role="treegrid"
          aria-label="Spans"
          aria-rowcount={count + 1}
          aria-activedescendant={
            state.selectedRow >= first && state.selectedRow < last ? rowId(state.selected) : undefined
          }
          onScroll={onScroll}
          onMouseDown={onMouseDown}
          onDoubleClick={onDoubleClick}
        >
          <div className={styles.tall} role="rowgroup" style={{ height: count * ROW_PX }}>
            <LaneLines ticks={ticks} width={laneWidth} />
            {items}
          </div>
        </div>
        {count === 0 ? <p className={styles.empty}>{emptyText(state)}</p> : null}
        <Ruler state={state} height={height} />
      </div>
    </>
  );
}

function GridHead({
  ticks,
  laneWidth,
  laneRef,
}: {
  ticks: Tick[];
  laneWidth: number;
  laneRef: { current: HTMLDivElement | null };
}) {
  return (
    <div className={styles.head} aria-hidden>
      <div className={cx(styles.col, styles.wname)}>Span</div>
      <div className={cx(styles.col, styles.right, styles.wnum)}>Duration</div>
      <div className={cx(styles.col, styles.right, styles.wnum)}>Cost</div>
      <div className={cx(styles.col, styles.right, styles.wtok)}>Tokens</div>
      <div className={styles.headLane} ref={laneRef}>
        {ticks.map((tick) => (
          <span key={tick.x} className={styles.tick} style={{ left: tick.x * laneWidth }}>
            {tick.label}
          </span>
        ))}
      </div>
    </div>
  );
}

const nodeOf = (event: MouseEvent): number =>
  Number((event.target as Element).closest<HTMLElement>("[data-node]")?.dataset.node ?? -1);

/** Keeps a newly selected row on screen, with some of what surrounds it. */
function useScrollToSelection(viewport: { current: HTMLElement | null }, state: TraceState): void {
  const seen = useRef(-1);
  const { selected, selectedRow } = state;
  useLayoutEffect(() => {
    const element = viewport.current;
    if (!element || selectedRow < 0 || seen.current === selected) return;
    const y = selectedRow * ROW_PX;
    // The first selection is the root or comes with the link; the root needs no scrolling.
    seen.current = selected;
    if (y < element.scrollTop) element.scrollTop = Math.max(0, y - element.clientHeight * 0.3);
    else if (y > element.scrollTop + element.clientHeight - ROW_PX) element.scrollTop = y - element.clientHeight * 0.62;
  }, [viewport, selected, selectedRow]);
  useEffect(() => {
    viewport.current?.focus({ preventScroll: true });
  }, [viewport]);
}

/** The vertical lines of all lanes: one thin box each, as high as the list, which is cheaper than gradients in rows. */
function LaneLines({ ticks, width }: { ticks: Tick[]; width: number }) {
  return (
    <div className={styles.lines} style={{ width }} aria-hidden>
      {ticks.map(({ x }) => (
        <i key={x} style={{ left: Math.round(x * width) }} />
      ))}
    </div>
  );
}

function previewOf(t: TraceModel, i: number, previews: Previews): string | null {
  const s = t.run[i];
  if (s < 0) return null;
  const type = typeOf(t, i);
  if (t.kids[i] > 0 && type === "chain") {
    const tools = toolsBelow(t, i);
    if (tools.length > 0) return tools.join(", ");
  }
  const preview = previews[t.skeleton.runs.id[s]];
  if (!preview) return null;
  return type === "llm" || type === "agent" || type === "chain"
    ? (preview.output ?? preview.input)
    : (preview.input ?? preview.output);
}

function emptyText(state: TraceState): string {
  if (state.only === "errors") return "No span of this trace failed. Press X to show all spans.";
  if (state.only === "llm") return "This trace has no LLM call.";
  if (state.only === "matches") return "No span matches. Press Esc in the search box to show all spans.";
  return "No spans.";
}
