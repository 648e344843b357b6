//! How the scores of a key are spread over the runs of each experiment.

import { formatScore } from "@/lib/score";
import type { Row } from "./model";

/** One bar. */
export interface Bin {
  /** A score, a range of scores (`0.4 to 0.5`), a category. */
  label: string;
  count: number;
}

export type Bins = Bin[];

/** Up to this many different scores have a bar each. */
const MOST_VALUES = 8;
/** Whole numbers this close together have a bar each, those that nobody gave, too. */
const MOST_STEPS = 11;
const MOST_BINS = 12;
const NICE = [1, 2, 2.5, 5, 10];

/** Bars of one key for each of `experiments`: all on the same scale, so that they can be compared. */
export function scoreBins(rows: readonly Row[], key: string, experiments: readonly string[]): Map<string, Bins> {
  const scores = new Map(experiments.map((id) => [id, scoresOf(rows, key, id)]));
  const scale = scaleOf([...scores.values()].flat());
  return new Map(
    [...scores].map(([id, given]) => {
      const counts = scale.labels.map(() => 0);
      for (const score of given) counts[scale.place(score)]++;
      return [id, scale.labels.map((label, at) => ({ label, count: counts[at] }))];
    }),
  );
}

const scoresOf = (rows: readonly Row[], key: string, experiment: string): number[] =>
  rows.flatMap((row) => (row.cells.get(experiment)?.attempts ?? []).flatMap(({ scores }) => scores[key] ?? []));

interface Scale {
  labels: string[];
  place: (score: number) => number;
}

function scaleOf(scores: readonly number[]): Scale {
  const values = [...new Set(scores)].toSorted((a, b) => a - b);
  const [least, most] = [values[0] ?? 0, values.at(-1) ?? 0];
  if (values.every(Number.isInteger) && most - least < MOST_STEPS) return eachOf(stepsOf(least, most));
  if (values.length <= MOST_VALUES) return eachOf(values);
  return rangesOf(least, most);
}

/** `yes` and `no` are 1 and 0: both have their place even if only one was given. */
function stepsOf(least: number, most: number): number[] {
  const [from, to] = least >= 0 && most <= 1 ? [0, 1] : [least, most];
  return Array.from({ length: to - from + 1 }, (_, step) => from + step);
}

function eachOf(values: readonly number[]): Scale {
  const places = new Map(values.map((value, at) => [value, at]));
  return { labels: values.map(formatScore), place: (score) => places.get(score) ?? 0 };
}

/** Equal ranges between round numbers; the last one has both its ends. */
function rangesOf(least: number, most: number): Scale {
  const inUnit = least >= 0 && most <= 1;
  const step = inUnit ? 0.1 : stepFor(most - least);
  const first = inUnit ? 0 : Math.floor(least / step);
  const last = inUnit ? 10 : Math.max(first + 1, Math.ceil(most / step));
  const edge = (at: number): string => formatScore(Number(((first + at) * step).toPrecision(12)));
  return {
    labels: Array.from({ length: last - first }, (_, at) => `${edge(at)} to ${edge(at + 1)}`),
    // Without the little more 0.3 / 0.1 is below 3.
    place: (score) => Math.min(last - first - 1, Math.max(0, Math.floor(score / step + 1e-9) - first)),
  };
}

function stepFor(span: number): number {
  const power = 10 ** Math.floor(Math.log10(span / MOST_BINS));
  // Both ends may begin a range that they do not fill.
  return (NICE.find((nice) => span / (nice * power) <= MOST_BINS - 1) ?? 10) * power;
}

/** Beyond these the rarest categories are added up. */
const MOST_CATEGORIES = 8;

/** Categories in the order of the bars: those first that were given most often in all experiments. */
export function categoriesOf(counts: readonly Record<string, number>[]): string[] {
  const totals = new Map<string, number>();
  for (const one of counts)
    for (const [category, count] of Object.entries(one)) totals.set(category, (totals.get(category) ?? 0) + count);
  return [...totals].toSorted(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).map(([category]) => category);
}

export function categoryBins(counts: Record<string, number>, order: readonly string[]): Bins {
  const bin = (label: string): Bin => ({ label, count: counts[label] ?? 0 });
  if (order.length <= MOST_CATEGORIES) return order.map(bin);
  const rest = order.slice(MOST_CATEGORIES - 1);
  const count = rest.reduce((sum, category) => sum + (counts[category] ?? 0), 0);
  return [...order.slice(0, MOST_CATEGORIES - 1).map(bin), { label: `${rest.length} others`, count }];
}

/** The share of its runs that the longest bar of all experiments stands for: what all bars are measured by. */
export function highestShare(all: Iterable<Bins>): number {
  return Math.max(0, ...[...all].flatMap((bins) => bins.map(({ count }) => count / Math.max(1, totalOf(bins)))));
}

export const totalOf = (bins: Bins): number => bins.reduce((sum, { count }) => sum + count, 0);

/** The chart in words: `153 scores: 40 of 0, 113 of 1`. */
export function inWords(bins: Bins): string {
  const total = totalOf(bins);
  const given = bins.filter(({ count }) => count > 0).map(({ label, count }) => `${count} × ${label}`);
  return `${total} ${total === 1 ? "score" : "scores"}: ${given.join(", ")}`;
}
