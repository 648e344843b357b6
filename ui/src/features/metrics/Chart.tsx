//! Lines or bars over time on a canvas. The table below it says the same in numbers.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import UPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { MetricSeries } from "@/lib/api/telemetry";
import { formatDateTime } from "@/lib/format";
import { useStore } from "@/lib/store";
import { theme } from "@/lib/theme";
import { tickLabel } from "@/lib/time-range";
import { useSize } from "@/lib/use-size";
import { ChartTip } from "@/components/ChartTip";
import styles from "./Chart.module.css";
import { measure } from "./measure";
import { bucketTimes, colourOf, dashOf } from "./series";

interface Props {
  data: MetricSeries;
  /** By place in `data.series`. */
  hidden: ReadonlySet<number>;
  /** The line that the pointer is on in the table. */
  focused: number | null;
  label: string;
  onBrush: (fromUs: number, toUs: number) => void;
}

/** A stretch narrower than this is not worth zooming into. */
const MIN_SPAN_US = 1_000_000;
const MIN_BRUSH_PX = 5;

export function Chart({ data, hidden, focused, label, onBrush }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | null>(null);
  const size = useSize(box);
  const scheme = useStore(theme);
  const [at, setAt] = useState<{ index: number; x: number } | null>(null);
  const brush = useRef(onBrush);
  useEffect(() => {
    brush.current = onBrush;
  });
  const times = useMemo(() => bucketTimes(data), [data]);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element || size.width === 0 || size.height === 0) return;
    const made = new UPlot(
      optionsOf(data, hidden, size, {
        onCursor: (index, x) => setAt(index === null ? null : { index, x }),
        onBrush: (from, to) => brush.current(from, to),
      }),
      [times, ...data.series.map((one) => one.values)],
      element,
    );
    plot.current = made;
    return () => {
      made.destroy();
      plot.current = null;
    };
    // The colours come from the theme.
  }, [data, hidden, size, times, scheme]);
  useEffect(() => {
    plot.current?.setSeries(focused === null ? null : focused + 1, { focus: true });
  }, [focused]);

  return (
    <div className={styles.wrap} role="img" aria-label={label}>
      <div className={styles.box} ref={box} />
      {at ? <Tip data={data} hidden={hidden} index={at.index} x={at.x} width={size.width} /> : null}
    </div>
  );
}

const TIP_ROWS = 12;

function Tip(props: Pick<Props, "data" | "hidden"> & { index: number; x: number; width: number }) {
  const { data, hidden, index, x, width } = props;
  const from = data.from + index * data.bucket_us;
  const rows = data.series
    .map((one, place) => ({ place, group: one.group, value: one.values[index] ?? null }))
    .filter((row) => !hidden.has(row.place) && row.value !== null)
    .toSorted((a, b) => (b.value ?? 0) - (a.value ?? 0));
  return (
    <ChartTip x={x} width={width} title={formatDateTime(from)}>
      {rows.length === 0 ? <span>no points</span> : null}
      {rows.slice(0, TIP_ROWS).map((row) => (
        <span key={row.place} className={styles.tipRow}>
          <i style={{ background: `var(${colourOf(row.place)})` }} />
          <span className="ellipsis">{row.group ?? data.name}</span>
          <span className="grow" />
          <b>{measure(row.value, data.unit, data.agg)}</b>
        </span>
      ))}
      {rows.length > TIP_ROWS ? <span>{rows.length - TIP_ROWS} more</span> : null}
    </ChartTip>
  );
}

interface Hooks {
  onCursor: (index: number | null, x: number) => void;
  onBrush: (fromUs: number, toUs: number) => void;
}

function optionsOf(
  data: MetricSeries,
  hidden: ReadonlySet<number>,
  { width, height }: { width: number; height: number },
  { onCursor, onBrush }: Hooks,
): UPlot.Options {
  const colour = tokens();
  const spanUs = data.bucket_us * Math.max(0, ...data.series.map((one) => one.values.length));
  const axis = {
    stroke: colour("--t3"),
    font: "10.5px 'Inter Variable', system-ui, sans-serif",
    grid: { stroke: colour("--grid"), width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height,
    padding: [10, 12, 0, 0],
    legend: { show: false },
    scales: {
      x: { time: true, range: [data.from / 1e6, (data.from + spanUs) / 1e6] },
      y: { range: (_, min, max) => yRange(data.kind, min, max) },
    },
    axes: [
      {
        ...axis,
        size: 26,
        space: 90,
        values: (_, splits) => splits.map((s) => tickLabel(s * 1e6, (splits[1] - splits[0]) * 1e6)),
      },
      {
        ...axis,
        space: 48,
        size: (plot, values) => widthOf(plot, values),
        gap: 6,
        values: (_, splits) => splits.map((value) => measure(value, data.unit, data.agg)),
      },
    ],
    series: [{}, ...data.series.map((_, place) => lineOf(data, place, hidden, colour(colourOf(place))))],
    focus: { alpha: 0.25 },
    cursor: {
      y: false,
      points: { size: 6, width: 0, fill: (plot, i) => colourText(plot.series[i].stroke, colour("--t1")) },
      drag: { x: true, y: false, setScale: false, dist: MIN_BRUSH_PX },
    },
    hooks: {
      setCursor: [
        (plot) => {
          const { idx, left } = plot.cursor;
          onCursor(idx ?? null, (left ?? 0) + plot.bbox.left / devicePixelRatio);
        },
      ],
      setSelect: [
        (plot) => {
          const { left, width: wide } = plot.select;
          if (wide < MIN_BRUSH_PX) return;
          const from = Math.round(plot.posToVal(left, "x") * 1e6);
          const to = Math.round(plot.posToVal(left + wide, "x") * 1e6);
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          onBrush(from, Math.max(to, from + MIN_SPAN_US));
        },
      ],
    },
  };
}

/** What adds up is drawn as bars when it stands alone; everything else as lines with gaps where nothing was sent. */
function lineOf(data: MetricSeries, place: number, hidden: ReadonlySet<number>, stroke: string): UPlot.Series {
  const alone = data.series.length === 1;
  const bars = alone && (data.agg === "sum" || data.agg === "count");
  const wash = `color-mix(in oklch, ${stroke} 13%, transparent)`;
  return {
    show: !hidden.has(place),
    stroke,
    width: bars ? 0 : 1.5,
    dash: dashOf(place),
    fill: bars ? stroke : alone ? wash : undefined,
    paths: bars && UPlot.paths.bars ? UPlot.paths.bars({ size: [0.8, 48], gap: 1 }) : undefined,
    spanGaps: false,
    points: {
      show: !bars,
      size: 5,
      width: 0,
      fill: stroke,
      // A value between two gaps has no line that would show it.
      filter: (plot, index) => {
        const values = plot.data[index];
        const out: number[] = [];
        for (let i = 0; i < values.length; i++)
          if (isNumber(values[i]) && !isNumber(values[i - 1]) && !isNumber(values[i + 1])) out.push(i);
        return out;
      },
    },
  };
}

const isNumber = (value: unknown): boolean => value !== null && value !== undefined;

/** Amounts begin at zero; a gauge that stays far from zero shows how it moves. */
function yRange(kind: MetricSeries["kind"], min: number | null, max: number | null): [number, number] {
  if (min === null || max === null) return [0, 1];
  const far = kind === "gauge" && min > 0 && min > max * 0.6;
  const room = (max - (far ? min : Math.min(0, min))) * 0.08 || Math.abs(max) * 0.1 || 1;
  return [far ? Math.max(0, min - room) : min < 0 ? min - room : 0, max + room];
}

function widthOf(plot: UPlot, values: string[] | null): number {
  if (!values || values.length === 0) return 40;
  plot.ctx.save();
  plot.ctx.font = `${10.5 * devicePixelRatio}px 'Inter Variable', system-ui, sans-serif`;
  const widest = Math.max(...values.map((text) => plot.ctx.measureText(text).width));
  plot.ctx.restore();
  return Math.ceil(widest / devicePixelRatio) + 18;
}

/** Reads a colour of the theme as it is now. */
function tokens(): (name: string) => string {
  const style = getComputedStyle(document.documentElement);
  return (name) => style.getPropertyValue(name).trim();
}

const colourText = (stroke: UPlot.Series["stroke"], otherwise: string): string =>
  typeof stroke === "string" ? stroke : otherwise;
