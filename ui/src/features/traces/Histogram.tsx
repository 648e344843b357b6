//! Traces, cost or latency over time. Drag to look closer; the range fields are the way by keyboard.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type PointerEvent, useRef, useState } from "react";
import { isBadFilter } from "@/lib/api/client";
import { histogramQuery } from "@/lib/api/queries";
import type { Histogram as Data } from "@/lib/api/types";
import { formatCost, formatDateTime, formatDuration, plural } from "@/lib/format";
import { ChartTip } from "@/components/ChartTip";
import { Segmented } from "@/components/Segmented";
import { useSize } from "@/lib/use-size";
import styles from "./Histogram.module.css";
import { tickLabel, ticks } from "@/lib/time-range";

export type Metric = "traces" | "cost" | "p95";
const METRICS: readonly { value: Metric; label: string }[] = [
  { value: "traces", label: "Traces" },
  { value: "cost", label: "Cost" },
  { value: "p95", label: "p95 latency" },
];

const HEIGHT = 76;
const AXIS = 16;
const LEAST_WIDTH = 120;
const MIN_BRUSH_PX = 5;
/** A bucket narrower than this is not worth zooming into. */
const MIN_SPAN_US = 1_000_000;

interface Props {
  project: string;
  q?: string;
  t: string;
  onBrush: (from: number, to: number) => void;
}

export function Histogram({ project, q, t, onBrush }: Props) {
  const [metric, setMetric] = useState<Metric>("traces");
  const box = useRef<HTMLDivElement>(null);
  const measured = useSize(box).width;
  const width = Math.max(LEAST_WIDTH, measured);
  // Few steps of resolution, so that a resized window does not ask again and again.
  const buckets = width < 520 ? 40 : width < 1000 ? 80 : 120;
  const query = useQuery({
    ...histogramQuery(project, { q, t, buckets }),
    enabled: measured > 0,
    placeholderData: keepPreviousData,
  });
  return (
    <section className={styles.wrap} aria-label="Over time">
      <div className={styles.metrics}>
        <Segmented label="Metric" value={metric} options={METRICS} onChange={setMetric} />
      </div>
      <div className={styles.box} ref={box}>
        {query.data && query.data.ok.length > 0 ? (
          <Chart data={query.data} metric={metric} width={width} onBrush={onBrush} />
        ) : query.isError && !isBadFilter(query.error) ? (
          <p className={styles.note}>
            The chart could not be loaded.{" "}
            <button type="button" onClick={() => void query.refetch()}>
              Retry
            </button>
          </p>
        ) : null}
      </div>
    </section>
  );
}

interface Bars {
  /** Drawn from the bottom. */
  bad: number[];
  rest: number[];
  max: number;
}

function barsOf(data: Data, metric: Metric): Bars {
  const zeros = data.ok.map(() => 0);
  if (metric === "traces") {
    const max = Math.max(1, ...data.ok.map((ok, i) => ok + data.error[i]));
    return { bad: data.error, rest: data.ok, max };
  }
  const rest = metric === "cost" ? data.cost : data.p95_us.map((us) => us ?? 0);
  return { bad: zeros, rest, max: Math.max(1, ...rest) };
}

function Chart({
  data,
  metric,
  width,
  onBrush,
}: {
  data: Data;
  metric: Metric;
  width: number;
  onBrush: Props["onBrush"];
}) {
  const [hover, setHover] = useState<number | null>(null);
  const brush = useBrush(data, width, onBrush);
  const { bad, rest, max } = barsOf(data, metric);
  const count = rest.length;
  const step = width / count;
  const scale = (HEIGHT - AXIS - 6) / max;
  const at = (us: number) => ((us - data.from) / (data.to - data.from)) * width;
  const marks = ticks(data.from, data.to, Math.max(2, Math.floor(width / 110)));
  return (
    <div
      className={styles.chart}
      role="img"
      aria-label={describe(data, metric)}
      {...brush.handlers}
      onPointerMove={(event) => {
        setHover(Math.min(count - 1, Math.max(0, Math.floor(brush.xOf(event) / step))));
        brush.handlers.onPointerMove(event);
      }}
      onPointerLeave={() => setHover(null)}
    >
      <svg width={width} height={HEIGHT} aria-hidden>
        {rest.map((value, i) => {
          const low = bad[i] > 0 ? Math.max(1.5, bad[i] * scale) : 0;
          const high = value > 0 ? Math.max(1, value * scale) : 0;
          const bar = { x: i * step + 0.5, width: Math.max(1, step - 1.5) };
          return (
            // oxlint-disable-next-line react/no-array-index-key -- buckets are their places
            <g key={i} opacity={hover === null || hover === i ? 1 : 0.75}>
              {high > 0 ? (
                <rect {...bar} y={HEIGHT - AXIS - low - high} height={high} className={styles[metric]} />
              ) : null}
              {low > 0 ? <rect {...bar} y={HEIGHT - AXIS - low} height={low} className={styles.bad} /> : null}
            </g>
          );
        })}
        <line x1={0} x2={width} y1={HEIGHT - AXIS + 0.5} y2={HEIGHT - AXIS + 0.5} className={styles.axis} />
        {marks.map((us) => (
          <text key={us} x={Math.min(width - 36, at(us) + 2)} y={HEIGHT - 3} className={styles.tick}>
            {tickLabel(us, marks[1] - marks[0])}
          </text>
        ))}
      </svg>
      {brush.band ? (
        <div className={styles.band} style={{ left: brush.band[0], width: brush.band[1] - brush.band[0] }} />
      ) : null}
      {hover !== null && !brush.band ? <Tip data={data} index={hover} x={(hover + 0.5) * step} width={width} /> : null}
    </div>
  );
}

function Tip({ data, index, x, width }: { data: Data; index: number; x: number; width: number }) {
  const start = data.from + index * data.bucket_us;
  const all = data.ok[index] + data.error[index];
  return (
    <ChartTip x={x} width={width} title={formatDateTime(start)} inLine>
      <span>{plural(all, "trace")}</span>
      {data.error[index] > 0 ? (
        <span className={styles.tipBad}>{data.error[index].toLocaleString("en-US")} failed</span>
      ) : null}
      <span>{formatCost(data.cost[index])}</span>
      {data.p95_us[index] === null ? null : <span>p95 {formatDuration(data.p95_us[index])}</span>}
    </ChartTip>
  );
}

function describe(data: Data, metric: Metric): string {
  const sum = (list: number[]) => list.reduce((total, value) => total + value, 0);
  const span = `from ${formatDateTime(data.from)} to ${formatDateTime(data.to)}`;
  if (metric === "cost") return `Cost ${span}: ${formatCost(sum(data.cost))} in all`;
  if (metric === "p95")
    return `95th percentile of latency ${span}: at most ${formatDuration(Math.max(0, ...data.p95_us.map((us) => us ?? 0)))}`;
  return `Traces ${span}: ${plural(sum(data.ok) + sum(data.error), "trace")}, ${sum(data.error)} failed`;
}

/** Dragging over the chart chooses a stretch of time. */
function useBrush(data: Data, width: number, onBrush: Props["onBrush"]) {
  const [drag, setDrag] = useState<{ start: number; now: number } | null>(null);
  const xOf = (event: PointerEvent<HTMLElement>) =>
    Math.max(0, Math.min(width, event.clientX - event.currentTarget.getBoundingClientRect().left));
  const band: [number, number] | null =
    drag && Math.abs(drag.now - drag.start) >= MIN_BRUSH_PX
      ? [Math.min(drag.start, drag.now), Math.max(drag.start, drag.now)]
      : null;
  const timeAt = (x: number) => Math.round(data.from + (x / width) * (data.to - data.from));
  return {
    band,
    xOf,
    handlers: {
      onPointerDown: (event: PointerEvent<HTMLDivElement>) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        const x = xOf(event);
        setDrag({ start: x, now: x });
      },
      onPointerMove: (event: PointerEvent<HTMLDivElement>) => {
        if (drag) setDrag({ ...drag, now: xOf(event) });
      },
      onPointerUp: () => {
        if (band) {
          const [from, to] = band.map(timeAt);
          onBrush(from, Math.max(to, from + MIN_SPAN_US));
        }
        setDrag(null);
      },
      onPointerCancel: () => setDrag(null),
    },
  };
}
