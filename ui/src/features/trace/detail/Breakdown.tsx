import { type ReactNode, useMemo } from "react";
import { cx } from "@/lib/cx";
import { shownName, showTurns } from "@/lib/visible-text";
import { formatCost, formatDuration, formatInt, formatPercent, formatTokens, plural } from "@/lib/format";
import { TypeIcon } from "@/components/TypeIcon";
import { breakdown, type ModelShare, type ToolShare } from "../model/breakdown";
import { errorOf, nameOf, shortModel, type TraceModel, typeOf } from "../model/types";
import styles from "./Breakdown.module.css";

const MAX_ERRORS = 8;

interface Props {
  t: TraceModel;
  i: number;
  onSelect: (i: number) => void;
}

/** What a subtree spent, where its time went, and what failed in it. */
export function Breakdown({ t, i, onSelect }: Props) {
  const parts = useMemo(() => breakdown(t, i), [t, i]);
  const nothing = parts.models.length + parts.tools.length + parts.errors.length === 0;
  return (
    <div className={styles.all}>
      {parts.models.length > 0 ? <Models t={t} i={i} models={parts.models} /> : null}
      {parts.calls.length > 0 ? <Calls t={t} i={i} calls={parts.calls} onSelect={onSelect} /> : null}
      {parts.tools.length > 0 ? <Tools t={t} tools={parts.tools} onSelect={onSelect} /> : null}
      {parts.errors.length > 0 ? <Errors t={t} errors={parts.errors} onSelect={onSelect} /> : null}
      {nothing ? <Slowest t={t} i={i} onSelect={onSelect} /> : null}
    </div>
  );
}

const Meter = ({ share, color }: { share: number; color: string }) => (
  <span className={styles.meter}>
    <i style={{ width: `${Math.min(1, share) * 100}%`, background: color }} />
  </span>
);

function Section({ title, note, children }: { title: string; note: ReactNode; children: ReactNode }) {
  return (
    <section>
      <h3>
        {title}
        <span>{note}</span>
      </h3>
      {children}
    </section>
  );
}

function Models({ t, i, models }: { t: TraceModel; i: number; models: ModelShare[] }) {
  const total = Number.isNaN(t.cost[i]) ? 0 : t.cost[i];
  const modelName = (share: ModelShare): string => showTurns(t.skeleton.dict[share.model]);
  const names = models.map((share) => shortModel(modelName(share)));
  /** With its date where two releases of one model are there. */
  const nameAt = (k: number): string =>
    names.indexOf(names[k]) === names.lastIndexOf(names[k]) ? names[k] : modelName(models[k]);
  return (
    <Section title="Cost by model" note={total > 0 ? formatCost(total) : null}>
      {models.map((share, k) => (
        <div key={share.model} className={styles.line}>
          <span className={styles.dot} />
          <span className={styles.name} title={modelName(share)}>
            {nameAt(k)}
            <small>
              {plural(share.calls, "call")}
              {share.cached > 0 ? `, ${formatPercent(share.cached / Math.max(1, share.input))} cached` : ""}
            </small>
          </span>
          <Meter share={total > 0 ? share.cost / total : 0} color="var(--money)" />
          {share.unpriced === share.calls ? (
            <span className={cx(styles.value, styles.warn)}>unknown</span>
          ) : (
            <span className={styles.value}>{formatCost(share.cost)}</span>
          )}
          <span className={styles.share}>{total > 0 && share.cost > 0 ? formatPercent(share.cost / total) : ""}</span>
        </div>
      ))}
    </Section>
  );
}

function Calls({ t, i, calls, onSelect }: Props & { calls: number[] }) {
  const rows = t.skeleton.runs;
  const cost = (k: number): number => rows.cost[t.run[k]] ?? 0;
  const total = Number.isNaN(t.cost[i]) ? 0 : t.cost[i];
  const note = (
    <>
      press <kbd>$</kbd> to step through
    </>
  );
  return (
    <Section title="Most expensive calls" note={note}>
      {calls.map((k) => (
        <button key={k} type="button" className={styles.line} onClick={() => onSelect(k)}>
          <TypeIcon type={typeOf(t, k)} />
          <span className={styles.name}>
            <bdi>{nameOf(t, k)}</bdi>
            <small>
              {formatTokens(rows.input_tokens[t.run[k]])} in, {formatTokens(rows.output_tokens[t.run[k]])} out
            </small>
          </span>
          <Meter share={cost(k) / cost(calls[0])} color="var(--money)" />
          <span className={styles.value}>{formatCost(cost(k))}</span>
          <span className={styles.share}>{total > 0 ? formatPercent(cost(k) / total) : ""}</span>
        </button>
      ))}
    </Section>
  );
}

function Tools({ t, tools, onSelect }: { t: TraceModel; tools: ToolShare[]; onSelect: (i: number) => void }) {
  return (
    <Section title="Time in tools" note="sum over calls">
      {tools.map((share) => (
        <button key={share.name} type="button" className={styles.line} onClick={() => onSelect(share.node)}>
          <TypeIcon type={t.skeleton.dict[share.type]} />
          <span className={styles.name}>
            <bdi>{shownName(t.skeleton.dict[share.name])}</bdi>
            <small>×{formatInt(share.calls)}</small>
            {share.errors > 0 ? <small className={styles.err}>{formatInt(share.errors)} err</small> : null}
          </span>
          <Meter share={share.time / Math.max(1, tools[0].time)} color="var(--tool)" />
          <span className={styles.value}>{formatDuration(share.time)}</span>
          <span />
        </button>
      ))}
    </Section>
  );
}

function Errors({ t, errors, onSelect }: { t: TraceModel; errors: number[]; onSelect: (i: number) => void }) {
  return (
    <Section title="Errors inside" note={formatInt(errors.length)}>
      {errors.slice(0, MAX_ERRORS).map((k) => (
        <button key={k} type="button" className={cx(styles.line, styles.short)} onClick={() => onSelect(k)}>
          <TypeIcon type={typeOf(t, k)} />
          <span className={cx(styles.name, styles.err)}>
            <bdi>{nameOf(t, k)}</bdi>
            <small>{errorOf(t, k)}</small>
          </span>
          <span className={styles.share}>{formatDuration(t.start[k])}</span>
        </button>
      ))}
      {errors.length > MAX_ERRORS ? (
        <p className={styles.share}>
          and {formatInt(errors.length - MAX_ERRORS)} more: press <kbd>e</kbd> to step through
        </p>
      ) : null}
    </Section>
  );
}

/** A subtree without models, tools and errors: where its time went. */
function Slowest({ t, i, onSelect }: Props) {
  const slow: number[] = [];
  for (let k = i + 1; k < i + t.size[i]; k++) if (t.run[k] >= 0) slow.push(k);
  const length = (k: number): number => t.end[k] - t.start[k];
  const top = slow.toSorted((a, b) => length(b) - length(a)).slice(0, 6);
  const whole = length(i) || 1;
  return (
    <Section title="Slowest spans" note={null}>
      {top.map((k) => (
        <button key={k} type="button" className={styles.line} onClick={() => onSelect(k)}>
          <TypeIcon type={typeOf(t, k)} />
          <span className={styles.name}>{nameOf(t, k)}</span>
          <Meter share={length(k) / whole} color="var(--chain)" />
          <span className={styles.value}>{formatDuration(length(k))}</span>
          <span className={styles.share}>{formatPercent(length(k) / whole)}</span>
        </button>
      ))}
    </Section>
  );
}
