import type { ReactNode } from "react";
import type { Run } from "@/lib/api/types";
import {
  formatAtLeast,
  formatCost,
  formatDuration,
  formatInt,
  formatPercent,
  formatTokens,
  nanoOf,
  plural,
} from "@/lib/format";
import { unpricedReason, unpricedWord } from "@/lib/unpriced";
import { showTurns } from "@/lib/visible-text";
import { selfTime } from "../model/breakdown";
import { type TraceModel, typeOf } from "../model/types";
import { From, useSources } from "./From";
import styles from "./Kpis.module.css";
import { outputSpeed } from "./speed";

interface Part {
  amount: number;
  color: string;
  /** Nothing = not named below the bar. */
  label?: string;
}

const soft = (color: string): string => `color-mix(in oklch, var(${color}) 45%, var(--line))`;

/** Time, money and tokens of a span, each a number and how it splits. */
export function Kpis({ t, i, run }: { t: TraceModel; i: number; run: Run | undefined }) {
  const s = t.run[i];
  const call = s >= 0 && typeOf(t, i) === "llm" && t.kids[i] === 0;
  return (
    <div className={styles.kpis}>
      {call ? <Latency t={t} i={i} s={s} /> : <Duration t={t} i={i} />}
      {call ? <CallCost t={t} i={i} run={run} /> : <TreeCost t={t} i={i} />}
      {call ? <CallTokens t={t} s={s} /> : <TreeTokens t={t} i={i} />}
    </div>
  );
}

function Kpi({
  title,
  note,
  of,
  value,
  hint,
  parts,
  from,
}: {
  title: string;
  note: string;
  /** What the note is a share of; left out where there is no room. */
  of?: string;
  value: string;
  hint?: string;
  parts: Part[];
  /** Where the number came from. */
  from?: ReactNode;
}) {
  const { inline } = useSources();
  const sum = parts.reduce((total, part) => total + Math.max(0, part.amount), 0) || 1;
  return (
    <div className={styles.kpi}>
      <div className={styles.head}>
        <span>{title}</span>
        {inline ? null : from}
        <span title={of ? `${note} ${of}` : note}>
          {note}
          {of ? <span className={styles.of}> {of}</span> : null}
        </span>
      </div>
      <div className={styles.value} title={hint}>
        {value}
      </div>
      <div className={styles.stack}>
        {parts.map((part) => (
          <i
            key={part.color + part.label}
            style={{ width: `${(Math.max(0, part.amount) / sum) * 100}%`, background: part.color }}
          />
        ))}
      </div>
      <div className={styles.legend}>
        {parts
          .filter((part) => part.label)
          .map((part) => (
            <span key={part.label}>
              <i style={{ background: part.color }} />
              {part.label}
            </span>
          ))}
      </div>
      {inline ? from : null}
    </div>
  );
}

/** How much of the whole trace; nothing where it is the whole, or there is none. */
function share(part: number, whole: number): { note: string; of?: string } {
  if (part >= whole || part <= 0) return { note: "" };
  return { note: formatPercent(part / whole), of: "of trace" };
}

function Latency({ t, i, s }: { t: TraceModel; i: number; s: number }) {
  const duration = t.end[i] - t.start[i];
  const first = t.skeleton.runs.first_token_us[s];
  const output = t.skeleton.runs.output_tokens[s];
  const streaming = first === null ? duration : duration - first;
  const rate = outputSpeed(output, duration, first);
  const speed = rate === null ? undefined : `${rate} tok/s`;
  const parts: Part[] =
    first === null
      ? [{ amount: duration, color: "var(--llm)", label: speed }]
      : [
          { amount: first, color: soft("--llm"), label: "wait" },
          { amount: streaming, color: "var(--llm)", label: speed ?? "streaming" },
        ];
  return (
    <Kpi
      title="Latency"
      {...(first === null ? share(duration, t.totals.duration) : { note: `TTFT ${formatDuration(first)}` })}
      value={formatDuration(duration)}
      parts={parts}
      from={first === null ? null : <From field="first_token_time" />}
    />
  );
}

function Duration({ t, i }: { t: TraceModel; i: number }) {
  const duration = t.end[i] - t.start[i];
  const self = selfTime(t, i);
  const parent = t.kids[i] > 0;
  const parts: Part[] = [
    { amount: self, color: "var(--tool)", label: parent ? `self ${formatDuration(self)}` : undefined },
  ];
  if (parent) parts.push({ amount: duration - self, color: soft("--chain"), label: "children" });
  return (
    <Kpi title="Duration" {...share(duration, t.totals.duration)} value={formatDuration(duration)} parts={parts} />
  );
}

function CallCost({ t, i, run }: { t: TraceModel; i: number; run: Run | undefined }) {
  const cost = run?.cost;
  const total = nanoOf(cost?.total) ?? (Number.isNaN(t.cost[i]) ? null : t.cost[i]);
  const model = showTurns(run?.model ?? "");
  if (cost?.source.kind === "unpriced")
    return (
      <Kpi
        title="Cost"
        note={model}
        value={unpricedWord(cost.source.reason)}
        hint={unpricedReason(cost.source.reason, run?.model)}
        parts={[]}
      />
    );
  const input = nanoOf(cost?.input) ?? 0;
  const output = nanoOf(cost?.output) ?? 0;
  const cached = sumOf(cost?.details, /cache/);
  const reasoning = sumOf(cost?.details, /reasoning/);
  const label = (amount: number, name: string) =>
    total && amount / total > 0.02 ? `${name} ${formatPercent(amount / total)}` : undefined;
  const parts: Part[] = [
    { amount: input - cached, color: "var(--money)", label: label(input - cached, "in") },
    { amount: cached, color: soft("--money"), label: label(cached, "cached") },
    { amount: output - reasoning, color: "var(--grow)", label: label(output - reasoning, "out") },
    { amount: reasoning, color: soft("--grow"), label: label(reasoning, "reasoning") },
  ].filter((part) => part.amount > 0);
  return (
    <Kpi
      title="Cost"
      note={model}
      value={formatCost(total)}
      hint={sourceText(run)}
      parts={parts}
      from={<From field={["cost.total", "cost.input", "cost.output"]} computed={sourceText(run)} />}
    />
  );
}

/** How the cost was made: said on hover. */
function sourceText(run: Run | undefined): string | undefined {
  const source = run?.cost?.source;
  if (source?.kind === "reported") return "as reported by the client";
  return source?.kind === "priced" ? `tokens × price ${source.price_id}` : undefined;
}

const sumOf = (details: Record<string, string> | undefined, name: RegExp): number =>
  Object.entries(details ?? {}).reduce((total, [key, value]) => total + (name.test(key) ? (nanoOf(value) ?? 0) : 0), 0);

function TreeCost({ t, i }: { t: TraceModel; i: number }) {
  const cost = t.cost[i];
  const known = !Number.isNaN(cost);
  const unpriced = t.unpriced[i];
  const value = known ? (unpriced > 0 ? formatAtLeast(cost) : formatCost(cost)) : unpriced > 0 ? "unknown" : "–";
  return (
    <Kpi
      title="Cost"
      {...(unpriced > 0 ? { note: `${plural(unpriced, "call")} unknown` } : share(known ? cost : 0, t.totals.cost))}
      value={value}
      parts={
        known
          ? [
              { amount: cost, color: "var(--money)" },
              { amount: t.totals.cost - cost, color: "var(--line)" },
            ]
          : []
      }
    />
  );
}

function CallTokens({ t, s }: { t: TraceModel; s: number }) {
  const rows = t.skeleton.runs;
  const input = rows.input_tokens[s];
  const output = rows.output_tokens[s];
  const cached = rows.cached_tokens[s] ?? 0;
  const reasoning = rows.reasoning_tokens[s] ?? 0;
  if (input === null && output === null) return <Kpi title="Tokens" note="not reported" value="–" parts={[]} />;
  const parts: Part[] = [
    { amount: (input ?? 0) - cached, color: "var(--money)", label: `in ${formatTokens((input ?? 0) - cached)}` },
    {
      amount: cached,
      color: soft("--money"),
      label: cached / ((input ?? 0) || 1) > 0.05 ? `cached ${formatTokens(cached)}` : undefined,
    },
    {
      amount: (output ?? 0) - reasoning,
      color: "var(--grow)",
      label: `out ${formatTokens((output ?? 0) - reasoning)}`,
    },
    { amount: reasoning, color: soft("--grow"), label: `reasoning ${formatTokens(reasoning)}` },
  ].filter((part) => part.amount > 0);
  return (
    <Kpi
      title="Tokens"
      note=""
      value={formatInt((input ?? 0) + (output ?? 0))}
      parts={parts}
      from={<From field={["usage.input_tokens", "usage.total_tokens", "usage.output_tokens"]} />}
    />
  );
}

function TreeTokens({ t, i }: { t: TraceModel; i: number }) {
  const tokens = t.tokens[i];
  return (
    <Kpi
      title="Tokens"
      note={plural(t.runsIn[i], "span")}
      value={tokens > 0 ? formatInt(tokens) : "–"}
      parts={[
        { amount: tokens, color: "var(--grow)" },
        { amount: t.totals.tokens - tokens, color: "var(--line)" },
      ]}
    />
  );
}
