//! A sentence on what a version did to its calls, computed by rules.

import { costPerCall, type Usage } from "@/lib/api/prompts";
import { formatCost, formatDuration, formatPercent, plural } from "@/lib/format";

/** Smaller differences are not worth a word, and below so many calls they are chance. */
const WORTH_SAYING = 0.03;
const ENOUGH_CALLS = 20;

/** `12% cheaper`; nothing for what is about the same. */
export function changeOf(before: number | null, after: number | null): number | null {
  if (before === null || after === null || before <= 0) return null;
  return after / before - 1;
}

export const formatChange = (change: number): string => `${change < 0 ? "−" : "+"}${formatPercent(Math.abs(change))}`;

export function verdictOf(before: Usage, after: Usage): string {
  const [costBefore, costAfter] = [costPerCall(before), costPerCall(after)];
  const cost = changeOf(costBefore, costAfter);
  const time = changeOf(before.p50Us, after.p50Us);
  const said: string[] = [];
  if (cost !== null && Math.abs(cost) >= WORTH_SAYING)
    said.push(
      `costs ${formatPercent(Math.abs(cost))} ${cost < 0 ? "less" : "more"} per call (${formatCost(costBefore)} → ${formatCost(costAfter)})`,
    );
  if (time !== null && Math.abs(time) >= WORTH_SAYING)
    said.push(
      `is ${formatPercent(Math.abs(time))} ${time < 0 ? "faster" : "slower"} (${formatDuration(before.p50Us)} → ${formatDuration(after.p50Us)})`,
    );
  const [failedBefore, failedAfter] = [before.failed / before.calls, after.failed / after.calls];
  if (Math.abs(failedAfter - failedBefore) >= 0.01)
    said.push(
      `fails ${failedAfter < failedBefore ? "less" : "more"} often (${formatPercent(failedBefore)} → ${formatPercent(failedAfter)})`,
    );
  const sentence = said.length === 0 ? "costs, takes and fails about the same" : joined(said);
  const few = Math.min(before.calls, after.calls);
  return few < ENOUGH_CALLS ? `${sentence}; with ${plural(few, "call")} this may be chance` : sentence;
}

const joined = (parts: string[]): string =>
  parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
