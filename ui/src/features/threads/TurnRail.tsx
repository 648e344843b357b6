import { TriangleAlert } from "lucide-react";
import { type CSSProperties, useEffect, useMemo, useRef, useState } from "react";
import type { TraceRow } from "@/lib/api/types";
import { cx } from "@/lib/cx";
import { formatCost, formatDuration, formatInt, formatTokens } from "@/lib/format";
import { previewLine } from "@/lib/text";
import { shownName, showTurns } from "@/lib/visible-text";
import { useSize } from "@/lib/use-size";
import { largest, measureOf, type Measure, offsetsOf, rowsBetween } from "./measures";
import styles from "./TurnRail.module.css";

/** Drawn beyond the edges, so that scrolling shows no gaps. */
const BEYOND_PX = 300;

interface Props {
  turns: TraceRow[];
  selected: number;
  onSelect: (index: number) => void;
}

/** Every turn on a few lines: what it cost, how much was read, how long it took, what went wrong. */
export function TurnRail({ turns, selected, onSelect }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const { height } = useSize(box);
  const [top, setTop] = useState(0);
  const most = useMemo(() => largest(turns), [turns]);
  const offsets = useMemo(() => offsetsOf(turns), [turns]);
  const [first, last] = rowsBetween(offsets, top - BEYOND_PX, top + height + BEYOND_PX);
  useEffect(() => {
    const element = box.current;
    if (!element || height === 0) return;
    const [start, end] = [offsets[selected], offsets[selected + 1]];
    if (start < element.scrollTop) element.scrollTop = start;
    else if (end > element.scrollTop + height) element.scrollTop = end - height;
  }, [selected, offsets, height]);
  return (
    <div className={styles.wrap}>
      <div className={styles.head} aria-hidden>
        <span>Cost</span>
        <span>Input</span>
        <span>Time</span>
      </div>
      <div ref={box} className={styles.box} onScroll={(event) => setTop(event.currentTarget.scrollTop)}>
        <ol className={styles.list} style={{ height: offsets[turns.length] }} aria-label="Turns">
          {turns.slice(first, last).map((turn, k) => (
            <Row
              key={turn.trace_id}
              turn={turn}
              index={first + k}
              count={turns.length}
              top={offsets[first + k]}
              most={most}
              selected={first + k === selected}
              onSelect={onSelect}
            />
          ))}
        </ol>
      </div>
    </div>
  );
}

interface RowProps {
  turn: TraceRow;
  index: number;
  count: number;
  top: number;
  most: Record<keyof Measure, number>;
  selected: boolean;
  onSelect: (index: number) => void;
}

function Row({ turn, index, count, top, most, selected, onSelect }: RowProps) {
  const { cost, input, time } = measureOf(turn);
  return (
    <li className={styles.row} style={{ top }} aria-posinset={index + 1} aria-setsize={count}>
      <button
        type="button"
        className={cx(styles.turn, selected && styles.selected)}
        aria-current={selected}
        onClick={() => onSelect(index)}
      >
        <span className={styles.title}>
          <span className={styles.number}>{index + 1}</span>
          <b>{turn.input_preview ? previewLine(turn.input_preview) : shownName(turn.name)}</b>
        </span>
        <span className={styles.bars}>
          <Bar
            share={share(cost, most.cost)}
            color="--money"
            label={`${turn.unpriced_count > 0 ? "≥ " : ""}${formatCost(cost)}`}
          />
          <Bar
            share={share(input, most.input)}
            color="--grow"
            label={formatTokens(input)}
            title={input === null ? undefined : `${formatInt(input)} input tokens`}
          />
          <Bar share={share(time, most.time)} color="--llm" label={formatDuration(time)} />
        </span>
        {turn.error ? (
          <span className={styles.error} title={showTurns(turn.error)}>
            <TriangleAlert size={12} aria-label={turn.status === "error" ? "Failed:" : "Failed and recovered:"} />
            <span>{showTurns(turn.error)}</span>
          </span>
        ) : null}
      </button>
    </li>
  );
}

const share = (value: number | null, most: number): number => (value === null || most === 0 ? 0 : value / most);

function Bar({ share: part, color, label, title }: { share: number; color: string; label: string; title?: string }) {
  const style = { "--part": `${Math.max(part > 0 ? 2 : 0, part * 100)}%`, "--bar": `var(${color})` } as CSSProperties;
  return (
    <span className={styles.bar} style={style} title={title}>
      <i aria-hidden />
      {label}
    </span>
  );
}
