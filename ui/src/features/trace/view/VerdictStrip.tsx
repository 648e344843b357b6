import { keepPreviousData, useQuery } from "@tanstack/react-query";
import {
  CircleDollarSign,
  DatabaseZap,
  Hourglass,
  type LucideIcon,
  Puzzle,
  Repeat,
  Repeat2,
  TrendingUp,
  TriangleAlert,
} from "lucide-react";
import { verdictQuery } from "@/lib/api/queries";
import type { Finding, Verdict } from "@/lib/api/types";
import { cx } from "@/lib/cx";
import { showTurns } from "@/lib/visible-text";
import {
  formatAtLeast,
  formatCost,
  formatDuration,
  formatInt,
  formatPercent,
  formatRatio,
  formatTokens,
  nanoOf,
  plural,
} from "@/lib/format";
import type { TraceModel } from "../model/types";
import type { TraceState } from "../state/useTraceState";
import { cardText } from "./finding-text";
import styles from "./VerdictStrip.module.css";

type Tone = "err" | "warn" | "money" | "grow";

const RULES: Record<string, { Icon: LucideIcon; tone: Tone }> = {
  where_it_broke: { Icon: TriangleAlert, tone: "err" },
  slow_recovery: { Icon: Repeat2, tone: "warn" },
  why_it_cost: { Icon: CircleDollarSign, tone: "money" },
  context_growth: { Icon: TrendingUp, tone: "grow" },
  loop: { Icon: Repeat, tone: "warn" },
  cache_miss: { Icon: DatabaseZap, tone: "money" },
  slow_first_token: { Icon: Hourglass, tone: "warn" },
  missing_spans: { Icon: Puzzle, tone: "warn" },
};

/** The answer before the evidence: what the trace took, and what stands out in it. */
export function VerdictStrip({ state }: { state: TraceState }) {
  const { skeleton } = state.model;
  const verdict = useQuery({
    ...verdictQuery(skeleton.trace_id, skeleton.project.name, skeleton.version),
    // Feedback makes a new version, too: what stands out stays where it is while that is looked at.
    placeholderData: keepPreviousData,
  });
  const findings = (verdict.data?.findings ?? []).slice(0, 4);
  return (
    <section className={styles.verdict} aria-label="Verdict">
      <Metrics t={state.model} baseline={verdict.data?.baseline ?? null} />
      {findings.length > 0 ? (
        <div className={styles.findings}>
          {findings.map((finding) => (
            <FindingCard key={`${finding.rule} ${finding.run_id}`} finding={finding} state={state} />
          ))}
        </div>
      ) : null}
    </section>
  );
}

function Metrics({ t, baseline }: { t: TraceModel; baseline: Verdict["baseline"] }) {
  const { totals, running } = t.skeleton;
  const cost = nanoOf(totals.cost);
  const partial = running || totals.unpriced_count > 0;
  const input = totals.input_tokens ?? 0;
  const cached = totals.cached_tokens ?? 0;
  return (
    <dl className={styles.metrics}>
      <div className={styles.metric}>
        <dt>Duration</dt>
        <dd className={styles.value}>{formatDuration(t.totals.duration)}</dd>
        <Ratio value={t.totals.duration} usual={baseline?.p50_us ?? null} runs={baseline?.runs} />
      </div>
      <div className={styles.metric}>
        <dt>Cost</dt>
        <dd className={styles.value}>{cost !== null && partial ? formatAtLeast(cost) : formatCost(cost)}</dd>
        {totals.unpriced_count > 0 ? (
          <dd className={styles.note}>
            <b>{plural(totals.unpriced_count, "call")}</b> of unknown cost
          </dd>
        ) : (
          <Ratio value={cost ?? 0} usual={nanoOf(baseline?.p50_cost)} runs={baseline?.runs} />
        )}
      </div>
      <div className={styles.metric}>
        <dt>Tokens</dt>
        <dd className={styles.value} title={formatInt(totals.total_tokens)}>
          {formatTokens(totals.total_tokens)}
        </dd>
        {cached > 0 && input > 0 ? <dd className={styles.note}>{formatPercent(cached / input)} cached</dd> : null}
      </div>
      <div className={styles.metric}>
        <dt>Spans</dt>
        <dd className={styles.value}>{formatInt(totals.run_count)}</dd>
        <dd className={styles.note}>
          {formatInt(totals.llm_count)} LLM
          {totals.error_count > 0 ? ` · ${plural(totals.error_count, "error")}` : ""}
        </dd>
      </div>
    </dl>
  );
}

/** How this trace compares with the usual one of its name; shown only when it is notably more. */
function Ratio({ value, usual, runs }: { value: number; usual: number | null; runs: number | undefined }) {
  if (!usual || usual <= 0) return null;
  const ratio = value / usual;
  const loud = ratio >= 1.5;
  return (
    <dd
      className={styles.note}
      title={`compared with the median of ${formatInt(runs)} successful traces of this name, 7 days`}
    >
      {loud ? <b className={ratio >= 5 ? styles.bad : undefined}>{formatRatio(ratio)}</b> : formatRatio(ratio)} p50
    </dd>
  );
}

function FindingCard({ finding, state }: { finding: Finding; state: TraceState }) {
  const { model: t } = state;
  const s = t.skeleton.runs.id.indexOf(finding.run_id);
  const node = s >= 0 ? t.nodeOfRun[s] : -1;
  const { Icon, tone } = RULES[finding.rule] ?? { Icon: TriangleAlert, tone: "warn" as const };
  const card = cardText(finding, t, node);
  const show = () => {
    if (node < 0) return;
    state.select(node);
    // A failing leaf is shown in its surroundings, a spender by itself.
    const parent = t.parent[node];
    state.zoom.showNode(finding.axis, parent > 0 && finding.axis !== "cost" ? parent : node);
  };
  return (
    <button
      type="button"
      className={cx(styles.finding, styles[tone])}
      aria-pressed={node === state.selected && node > 0}
      title={`${finding.title}: ${showTurns(finding.text)}`}
      onClick={show}
    >
      <span className={styles.rule}>
        <Icon size={11} strokeWidth={2.4} aria-hidden />
        {finding.title}
      </span>
      <span className={styles.weight}>{card.weight}</span>
      <span className={styles.title}>{card.head}</span>
      <span className={styles.text}>{card.rest}</span>
    </button>
  );
}
