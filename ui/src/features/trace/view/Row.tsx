import { ChevronRight, MessageSquareText } from "lucide-react";
import { memo, type ReactNode } from "react";
import type { Axis } from "@/lib/api/types";
import { cx } from "@/lib/cx";
import { formatAtLeast, formatCost, formatDuration, formatInt, formatTokens, plural } from "@/lib/format";
import { previewLine } from "@/lib/text";
import { unpricedReason, unpricedWord } from "@/lib/unpriced";
import { Tag } from "@/components/Tag";
import { TypeIcon, typeColor } from "@/components/TypeIcon";
import type { CriticalPath } from "../model/critical-path";
import { hasAsides, isBilled, isDouble } from "../model/asides";
import { feedbackText } from "../model/feedback";
import {
  ERROR,
  errorOf,
  isParent,
  modelOf,
  nameOf,
  PENDING,
  shortModel,
  type TraceModel,
  typeOf,
  unpricedOf,
} from "../model/types";
import { Lane } from "./Lane";
import styles from "./Row.module.css";

const DATA_BAR_PX = 56;
/** Deep trees: levels beyond this indent less, but always indent. */
const WIDE_LEVELS = 12;
const HOT_SHARE = 0.4;
const CACHE_SHOWN_ABOVE = 0.3;

export interface RowProps {
  t: TraceModel;
  i: number;
  /** Row number among the visible ones. */
  r: number;
  top: number;
  /** Folded, open, or a leaf. */
  open: boolean | null;
  selected: boolean;
  axis: Axis;
  from: number;
  to: number;
  laneWidth: number;
  /** Off the critical path, or no match of the search. */
  dim: boolean;
  find: string;
  critical: CriticalPath | null;
  preview: string | null;
  orphan: boolean;
}

export const rowId = (i: number): string => `span-${i}`;

/** Row of the tree and its lane. No handlers: the grid listens for all rows. */
export const Row = memo(function Row(p: RowProps) {
  const { t, i } = p;
  const failed = t.status[i] === ERROR;
  const className = cx(
    styles.row,
    p.selected && styles.selected,
    failed && styles.err,
    p.dim && styles.dim,
    p.orphan && styles.orphan,
    isDouble(t, i) && styles.double,
  );
  return (
    <div
      id={rowId(i)}
      role="row"
      data-node={i}
      aria-level={t.depth[i] + 1}
      aria-selected={p.selected}
      aria-expanded={p.open ?? undefined}
      aria-rowindex={p.r + 2}
      className={className}
      style={{ ...typeColor(typeOf(t, i)), top: p.top }}
    >
      <NameCell {...p} failed={failed} />
      <NumberCells t={t} i={i} />
      <Lane {...p} failed={failed} />
    </div>
  );
});

function NameCell({ t, i, open, find, preview, failed, orphan }: RowProps & { failed: boolean }) {
  const s = t.run[i];
  const rows = t.skeleton.runs;
  const name = nameOf(t, i);
  const attempt = s >= 0 ? rows.attempt[s] : 0;
  const input = s >= 0 ? (rows.input_tokens[s] ?? 0) : 0;
  const cached = input > 0 ? (rows.cached_tokens[s] ?? 0) / input : 0;
  const model = t.kids[i] === 0 ? modelOf(t, s) : null;
  const modelTag = model && !name.includes(shortModel(model)) ? shortModel(model) : null;
  const text = failed ? errorOf(t, i) : preview && previewLine(preview);
  return (
    <div className={styles.name} role="gridcell">
      <Indent depth={t.depth[i]} />
      {open === null ? (
        <span className={styles.fold} />
      ) : (
        <span className={cx(styles.fold, open && styles.open)} data-fold aria-hidden>
          <ChevronRight size={12} />
        </span>
      )}
      <span className={styles.icon}>
        <TypeIcon type={typeOf(t, i)} />
      </span>
      <span className={styles.text}>{find ? highlight(name, find) : name}</span>
      {t.members[i] > 0 ? <Tag>×{formatInt(t.members[i])}</Tag> : null}
      {attempt > 0 ? <Tag tone="warn">try {attempt}</Tag> : null}
      {t.status[i] === PENDING ? <Tag>running</Tag> : null}
      {orphan ? (
        <Tag tone="warn" title="The span that should contain this one never arrived">
          no parent
        </Tag>
      ) : null}
      {!failed && t.errors[i] > 0 ? <Tag tone="err">{formatInt(t.errors[i])} err</Tag> : null}
      {cached > CACHE_SHOWN_ABOVE ? (
        <span className={styles.extra}>
          <Tag tone="money" title="share of the input that came from the cache">
            {Math.round(cached * 100)}% cached
          </Tag>
        </span>
      ) : null}
      <Asides t={t} i={i} />
      <Said t={t} i={i} />
      {modelTag ? (
        <span className={styles.extra}>
          <Tag title={model ?? undefined}>{modelTag}</Tag>
        </span>
      ) : null}
      {open === false && isParent(t, i) ? (
        <span className={styles.inside} title="spans inside">
          +{formatInt(t.runsIn[i] - 1)}
        </span>
      ) : null}
      {text ? <span className={styles.preview}>{text}</span> : null}
    </div>
  );
}

/** Somebody said something about it. */
function Said({ t, i }: { t: TraceModel; i: number }) {
  const text = feedbackText(t, i);
  if (text === null) return null;
  return (
    <span className={styles.said} title={`Feedback: ${text}`}>
      <MessageSquareText size={12} role="img" aria-label={`feedback: ${text}`} />
    </span>
  );
}

/** What is folded behind the row, and what the row itself only repeats. The grid listens for `data-asides`. */
function Asides({ t, i }: { t: TraceModel; i: number }) {
  if (isDouble(t, i))
    return isBilled(t, i) ? null : (
      <Tag title="Another span reports the same call; that one counts, this one is not billed">not counted</Tag>
    );
  if (!hasAsides(t, i)) return null;
  const doubles = t.doubles[i];
  const transports = t.transports[i];
  return (
    <span className={styles.asides} data-asides title="Show or fold  O">
      {doubles > 0 ? <Tag>reported ×{doubles + 1}</Tag> : null}
      {transports > 0 ? <Tag>+{transports} transport</Tag> : null}
    </span>
  );
}

function Indent({ depth }: { depth: number }) {
  if (depth === 0) return null;
  const width = Math.min(depth, WIDE_LEVELS) * 14 + Math.max(0, depth - WIDE_LEVELS) * 10;
  return <span className={styles.guides} style={{ width }} aria-hidden />;
}

function NumberCells({ t, i }: { t: TraceModel; i: number }) {
  const duration = t.end[i] - t.start[i];
  const timeShare = duration / t.totals.duration;
  const cost = t.cost[i];
  const known = !Number.isNaN(cost);
  const costShare = known && t.totals.cost > 0 ? cost / t.totals.cost : 0;
  const unpriced = t.unpriced[i] > 0;
  return (
    <>
      <div className={cx(styles.num, timeShare > HOT_SHARE && styles.hot)} role="gridcell" title={ownTitle(t, i)}>
        {formatDuration(duration)}
        {timeShare > 0.02 ? <i style={{ width: Math.min(1, timeShare) * DATA_BAR_PX }} /> : null}
      </div>
      <div
        className={cx(styles.num, costShare > HOT_SHARE && styles.hot, unpriced && styles.unpriced)}
        role="gridcell"
        title={unpriced ? unpricedTitle(t, i) : undefined}
      >
        {costText(t, i)}
        {costShare > 0.01 ? (
          <i className={styles.money} style={{ width: Math.min(1, costShare) * DATA_BAR_PX }} />
        ) : null}
      </div>
      <div className={cx(styles.num, styles.tokens)} role="gridcell">
        {t.tokens[i] > 0 ? formatTokens(t.tokens[i]) : ""}
      </div>
    </>
  );
}

/** Blank where nothing was spent; what has no price never reads as zero. */
function costText(t: TraceModel, i: number): string {
  const cost = t.cost[i];
  if (t.unpriced[i] > 0) return cost > 0 ? formatAtLeast(cost) : unpricedWord(unpricedOf(t, t.run[i]));
  return Number.isNaN(cost) ? "" : formatCost(cost);
}

/** Parents show what their subtree spent; hovering says what is their own. */
function ownTitle(t: TraceModel, i: number): string | undefined {
  const s = t.run[i];
  if (s < 0 || t.kids[i] === 0) return undefined;
  const own = t.skeleton.runs.cost[s];
  return own === null || own === 0 ? undefined : `own cost ${formatCost(own)}`;
}

function unpricedTitle(t: TraceModel, i: number): string {
  const code = unpricedOf(t, t.run[i]);
  return code === null
    ? `${plural(t.unpriced[i], "call")} inside of unknown cost`
    : unpricedReason(code, modelOf(t, t.run[i]));
}

function highlight(name: string, find: string): ReactNode {
  const needle = find.trim().toLowerCase();
  const at = needle === "" ? -1 : name.toLowerCase().indexOf(needle);
  if (at < 0) return name;
  return (
    <>
      {name.slice(0, at)}
      <mark>{name.slice(at, at + needle.length)}</mark>
      {name.slice(at + needle.length)}
    </>
  );
}
