//! The answer in a sentence, and how sure it is.

import { plural } from "@/lib/format";
import type { Tally } from "./model";

/** `14 better, 6 worse, 180 the same`. */
export function countsText({ counts }: Tally): string {
  const parts = [`${n(counts.better)} better`, `${n(counts.worse)} worse`];
  if (counts.mixed > 0) parts.push(`${n(counts.mixed)} both`);
  parts.push(`${n(counts.same)} the same`);
  return parts.join(", ");
}

const n = (count: number): string => count.toLocaleString("en-US");

/** `−38%`, `+5%`, `+0.4%`; nothing when there is nothing to compare with. */
export function changeText(pair: [number, number] | null): string | null {
  if (!pair || pair[0] === 0) return null;
  const share = pair[1] / pair[0] - 1;
  const sign = share < 0 ? "−" : "+";
  const percent = Math.abs(share * 100);
  if (percent < 0.05) return "±0%";
  if (percent >= 1000) return `${(pair[1] / pair[0]).toFixed(0)}×`;
  return `${sign}${percent < 10 ? percent.toFixed(1).replace(/\.0$/, "") : percent.toFixed(0)}%`;
}

/**
 * How often chance alone divides the changed examples at least this unevenly (two-sided sign test). Ties say nothing
 * about which is better, so they do not count.
 */
export function chance(better: number, worse: number): number {
  const total = better + worse;
  const few = Math.min(better, worse);
  let [term, sum] = [-total * Math.LN2, 0];
  for (let k = 0; k <= few; k++) {
    sum += Math.exp(term);
    term += Math.log(total - k) - Math.log(k + 1);
  }
  return Math.min(1, 2 * sum);
}

/** What the counts are worth, in a sentence. */
export function certainty({ counts }: Tally): string | null {
  const { better, worse } = counts;
  if (better + worse === 0) return null;
  const p = chance(better, worse);
  if (p < 0.01) return "That is hardly chance.";
  const often = `Chance alone does that in ${Math.round(p * 100)}% of cases`;
  return p < 0.05 ? `${often}.` : `${often}: no clear difference.`;
}

/** What stands behind the counts: how many could not be compared. */
export function missingText({ counts }: Tally): string | null {
  return counts.missing === 0 ? null : `${plural(counts.missing, "example")} did not run in both.`;
}

/** `0.975`, `1`, `12.4`. */
export function scoreText(score: number): string {
  const digits = Math.abs(score) >= 100 ? 0 : Math.abs(score) >= 10 ? 1 : Math.abs(score) >= 1 ? 2 : 3;
  return String(Number(score.toFixed(digits)));
}

/** `+0.08`, `−0.2`; a difference is never written as none. */
export function deltaText(delta: number): string {
  if (delta === 0) return "±0";
  const text = scoreText(Math.abs(delta));
  return `${delta < 0 ? "−" : "+"}${text === "0" ? "<0.001" : text}`;
}
