import { cx } from "@/lib/cx";
import { formatDuration, formatPercent } from "@/lib/format";
import { amountOn, formatOn, startOn } from "../model/axis";
import { isParent, PENDING, type TraceModel } from "../model/types";
import styles from "./Row.module.css";
import type { RowProps } from "./Row";

const LABEL_PX = 60;
const MAX_SEGMENTS = 60;

/** The waterfall cell: leaves solid, parents outlined, the wait before the first token hatched. */
export function Lane(p: RowProps & { failed: boolean }) {
  const { t, i, axis, laneWidth } = p;
  const scale = laneWidth / (p.to - p.from);
  const amount = amountOn(t, axis, i);
  const begin = (startOn(t, axis, i) - p.from) * scale;
  const end = begin + amount * scale;
  const left = Math.max(0, begin);
  const width = Math.max(2, Math.min(laneWidth, end) - left);
  const shown = end >= 0 && begin <= laneWidth && (amount > 0 || axis === "time");
  const label = amount > 0 || axis === "time" ? formatOn(axis, amount) : "";
  const s = t.run[i];
  const first = axis === "time" && s >= 0 ? t.skeleton.runs.first_token_us[s] : null;
  return (
    <div className={styles.lane} role="gridcell" aria-label={describe(t, i, p.failed)}>
      {shown ? (
        <div
          className={cx(
            styles.bar,
            isParent(t, i) && styles.parent,
            t.members[i] > 0 && styles.group,
            t.status[i] === PENDING && axis === "time" && styles.running,
          )}
          style={{ left, width }}
        >
          {first !== null && first > 0 && t.kids[i] === 0 && width > 6 ? (
            <span className={styles.wait} style={{ width: Math.max(0, begin + first * scale - left) }} />
          ) : null}
        </div>
      ) : null}
      {p.critical && axis === "time" ? <Segments p={p} scale={scale} /> : null}
      {shown && label ? <BarLabel left={left} right={left + width} lane={laneWidth} text={label} /> : null}
    </div>
  );
}

function BarLabel({ left, right, lane, text }: { left: number; right: number; lane: number; text: string }) {
  if (right + LABEL_PX < lane)
    return (
      <span className={styles.label} style={{ left: right }}>
        {text}
      </span>
    );
  if (left <= LABEL_PX) return null;
  return (
    <span className={styles.label} style={{ right: lane - left }}>
      {text}
    </span>
  );
}

/** When this span itself was what the end of the trace waited for. */
function Segments({ p, scale }: { p: RowProps; scale: number }) {
  const { critical, i, laneWidth } = p;
  if (!critical) return null;
  const out = [];
  for (let k = critical.head[i], n = 0; k >= 0 && n < MAX_SEGMENTS; k = critical.next[k], n++) {
    const a = (critical.from[k] - p.from) * scale;
    const b = (critical.to[k] - p.from) * scale;
    if (b <= 0 || a >= laneWidth) continue;
    const left = Math.max(0, a);
    out.push(<i key={k} className={styles.critical} style={{ left, width: Math.min(laneWidth, b) - left }} />);
  }
  return <>{out}</>;
}

/** The picture in words. */
function describe(t: TraceModel, i: number, failed: boolean): string {
  const duration = t.end[i] - t.start[i];
  const parts = [`starts at ${formatDuration(t.start[i])}`];
  if (t.status[i] === PENDING) parts.push(`running for ${formatDuration(duration)}`);
  else parts.push(`lasts ${formatDuration(duration)}`, `${formatPercent(duration / t.totals.duration)} of trace`);
  if (failed) parts.push("failed");
  return parts.join(", ");
}
