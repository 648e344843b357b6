import { useMemo } from "react";
import type { MetricSeries } from "@/lib/api/telemetry";
import { cx } from "@/lib/cx";
import { measure } from "./measure";
import { colourOf, dashOf, summaryOf } from "./series";
import styles from "./SeriesTable.module.css";

interface Props {
  data: MetricSeries;
  hidden: ReadonlySet<number>;
  onHide: (hidden: ReadonlySet<number>) => void;
  onFocus: (place: number | null) => void;
}

/** Each line in numbers; its button takes it off the chart and puts it back. */
export function SeriesTable({ data, hidden, onHide, onFocus }: Props) {
  const sums = useMemo(() => data.series.map((one) => summaryOf(one.values)), [data]);
  const show = (value: number | null) => measure(value, data.unit, data.agg);
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a region that scrolls has to be reachable
    <div className={styles.scroll} tabIndex={0} role="region" aria-label="Numbers of the chart">
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">{data.series.length > 1 ? "Group" : "All"}</th>
            <th scope="col">Last</th>
            <th scope="col">Min</th>
            <th scope="col">Average</th>
            <th scope="col">Max</th>
          </tr>
        </thead>
        <tbody>
          {data.series.map((one, place) => (
            <tr
              key={one.group ?? ""}
              className={cx(hidden.has(place) && styles.off)}
              onPointerEnter={() => onFocus(place)}
              onPointerLeave={() => onFocus(null)}
            >
              <th scope="row">
                <button
                  type="button"
                  aria-pressed={!hidden.has(place)}
                  title={hidden.has(place) ? "Put on the chart" : "Take off the chart"}
                  onClick={() => onHide(toggled(hidden, place))}
                  onFocus={() => onFocus(place)}
                  onBlur={() => onFocus(null)}
                >
                  <Stroke place={place} />
                  <span className="ellipsis">{one.group ?? (data.series.length > 1 ? "(none)" : data.name)}</span>
                </button>
              </th>
              <td>{show(sums[place].last)}</td>
              <td>{show(sums[place].min)}</td>
              <td>{show(sums[place].avg)}</td>
              <td>{show(sums[place].max)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function toggled(hidden: ReadonlySet<number>, place: number): ReadonlySet<number> {
  const next = new Set(hidden);
  if (!next.delete(place)) next.add(place);
  return next;
}

const Stroke = ({ place }: { place: number }) => (
  <svg width={18} height={8} aria-hidden>
    <line
      x1={0}
      x2={18}
      y1={4}
      y2={4}
      style={{ stroke: `var(${colourOf(place)})` }}
      strokeWidth={3}
      strokeDasharray={dashOf(place)?.join(" ")}
    />
  </svg>
);
