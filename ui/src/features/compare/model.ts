//! Experiments set against each other: what each made of an example, and whether that is better or worse than the baseline.

import type { ExampleRuns, ExperimentRun, FeedbackConfig } from "@/lib/api/experiments";
import { nanoOf } from "@/lib/format";
import type { Filter, Sort } from "./search";

/** One run of an example. */
export interface Attempt {
  runId: string;
  traceId: string;
  outputs: Record<string, unknown> | null;
  error: string | null;
  pending: boolean;
  /** Nano-dollars. */
  cost: number | null;
  /** Microseconds. */
  latency: number | null;
  scores: Record<string, number>;
  /** Categories that were given, and what was said. */
  labels: Record<string, string>;
  comments: Record<string, string>;
}

/** What an experiment made of an example: with repetitions several attempts, and their means. */
export interface Cell {
  attempts: Attempt[];
  failed: number;
  scores: Record<string, number>;
  cost: number | null;
  latency: number | null;
}

export interface Row {
  id: string;
  name: string;
  inputs: Record<string, unknown>;
  reference: Record<string, unknown> | null;
  metadata: Record<string, unknown> | null;
  /** By experiment. */
  cells: Map<string, Cell>;
}

export function toRow(example: ExampleRuns): Row {
  const byExperiment = new Map<string, ExperimentRun[]>();
  for (const run of example.runs) {
    const runs = byExperiment.get(run.session_id);
    if (runs) runs.push(run);
    else byExperiment.set(run.session_id, [run]);
  }
  return {
    id: example.id,
    name: example.name,
    inputs: example.inputs,
    reference: example.outputs,
    metadata: example.metadata,
    cells: new Map([...byExperiment].map(([id, runs]) => [id, toCell(runs)])),
  };
}

function toCell(runs: ExperimentRun[]): Cell {
  const attempts = runs.toSorted((a, b) => (a.start_time < b.start_time ? -1 : 1)).map(toAttempt);
  const keys = new Set(attempts.flatMap((attempt) => Object.keys(attempt.scores)));
  const means = [...keys].map((key) => [key, mean(attempts.map((attempt) => attempt.scores[key]))] as const);
  return {
    attempts,
    failed: attempts.filter((attempt) => attempt.error !== null).length,
    scores: Object.fromEntries(means.filter((pair): pair is [string, number] => pair[1] !== null)),
    cost: mean(attempts.map((attempt) => attempt.cost)),
    latency: mean(attempts.map((attempt) => attempt.latency)),
  };
}

function toAttempt(run: ExperimentRun): Attempt {
  const scores: Attempt["scores"] = {};
  const labels: Attempt["labels"] = {};
  const comments: Attempt["comments"] = {};
  for (const [key, stats] of Object.entries(run.feedback_stats)) {
    if (stats.avg !== null) scores[key] = stats.avg;
    const values = Object.keys(stats.values);
    if (values.length > 0) labels[key] = values.join(", ");
    if (stats.comments.length > 0) comments[key] = stats.comments.join(" · ");
  }
  return {
    runId: run.id,
    traceId: run.trace_id,
    outputs: run.outputs,
    error: run.status === "error" ? (run.error ?? "failed") : run.error,
    pending: run.status === "pending",
    cost: nanoOf(run.total_cost),
    latency: run.end_time === null ? null : (Date.parse(run.end_time) - Date.parse(run.start_time)) * 1000,
    scores,
    labels,
    comments,
  };
}

export function mean(values: (number | null | undefined)[]): number | null {
  const known = values.filter((value) => value !== null && value !== undefined);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}

/** Keys of scores, those that most runs have first; and keys that only have categories. */
export function scoreKeys(rows: Row[]): string[] {
  const counts = new Map<string, number>();
  for (const row of rows)
    for (const cell of row.cells.values())
      for (const key of Object.keys(cell.scores)) counts.set(key, (counts.get(key) ?? 0) + 1);
  // A key that all but failed runs have is not beaten by one that by chance has two more.
  const rank = (count: number): number => Math.round(count / Math.max(1, rows.length * 0.2));
  return [...counts].toSorted(([a, n], [b, m]) => rank(m) - rank(n) || (a < b ? -1 : 1)).map(([key]) => key);
}

/** 1: higher is better, -1: lower is better. */
export type Direction = 1 | -1;

/** What the reader chose comes before what the config says; else higher is better. `choice` is `latency:lower,…`. */
export function directionsOf(configs: FeedbackConfig[], choice: string | undefined): (key: string) => Direction {
  const told = new Map<string, Direction>();
  for (const config of configs)
    if (config.is_lower_score_better !== null) told.set(config.feedback_key, config.is_lower_score_better ? -1 : 1);
  for (const part of choice?.split(",") ?? []) {
    const colon = part.lastIndexOf(":");
    if (colon > 0) told.set(part.slice(0, colon), part.slice(colon + 1) === "lower" ? -1 : 1);
  }
  return (key) => told.get(key) ?? 1;
}

/** The choice with one key turned around. */
export function turned(choice: string | undefined, key: string, to: Direction): string {
  const rest = (choice?.split(",") ?? []).filter((part) => part !== "" && !part.startsWith(`${key}:`));
  return [...rest, `${key}:${to === 1 ? "higher" : "lower"}`].join(",");
}

/** `mixed`: some scores better, some worse. `missing`: one of the two did not run. */
export type Outcome = "better" | "worse" | "mixed" | "same" | "missing";

export interface Change {
  outcome: Outcome;
  /** How much better, summed over the scores that count; negative is worse. */
  by: number;
}

/** Differences below this are how floating-point numbers are added up. */
const EPSILON = 1e-9;
/** Failing outweighs any score. */
const FAILURE = 1e6;

export function change(
  base: Cell | undefined,
  cell: Cell | undefined,
  keys: readonly string[],
  direction: (key: string) => Direction,
): Change {
  if (!base || !cell) return { outcome: "missing", by: 0 };
  const failures = cell.failed / cell.attempts.length - base.failed / base.attempts.length;
  let [ups, downs, by] = [failures < 0 ? 1 : 0, failures > 0 ? 1 : 0, -failures * FAILURE];
  for (const key of keys) {
    const delta = scoreDelta(base, cell, key, direction);
    if (delta === null || Math.abs(delta) < EPSILON) continue;
    by += delta;
    if (delta > 0) ups++;
    else downs++;
  }
  if (ups > 0 && downs > 0) return { outcome: "mixed", by };
  return { outcome: ups > 0 ? "better" : downs > 0 ? "worse" : "same", by };
}

/** How much better a score is; null when one of the two has none. */
export function scoreDelta(
  base: Cell | undefined,
  cell: Cell | undefined,
  key: string,
  direction: (key: string) => Direction,
): number | null {
  const [from, to] = [base?.scores[key], cell?.scores[key]];
  return from === undefined || to === undefined ? null : (to - from) * direction(key);
}

/** The attempt that a cell shows: of several the worst, because that is what one looks for. */
export function worst(cell: Cell, keys: readonly string[], direction: (key: string) => Direction): Attempt {
  const worth = ({ error, scores }: Attempt): number =>
    (error === null ? 0 : -FAILURE) + keys.reduce((sum, key) => sum + (scores[key] ?? 0) * direction(key), 0);
  return cell.attempts.reduce((least, one) => (worth(one) < worth(least) ? one : least));
}

export type Counts = Record<Outcome | "errors", number>;

export interface Tally {
  counts: Counts;
  /** Means over the examples that both ran, so that the two can be compared. */
  cost: [base: number, other: number] | null;
  latency: [base: number, other: number] | null;
}

export function tally(rows: Row[], changes: Change[], base: string, other: string): Tally {
  const counts: Counts = { better: 0, worse: 0, mixed: 0, same: 0, missing: 0, errors: 0 };
  rows.forEach((row, index) => {
    counts[changes[index].outcome]++;
    if (hasError(row, base, other)) counts.errors++;
  });
  const pair = (of: (cell: Cell) => number | null): Tally["cost"] => {
    const both = rows.flatMap((row) => {
      const [a, b] = [row.cells.get(base), row.cells.get(other)];
      const [x, y] = [a ? of(a) : null, b ? of(b) : null];
      return x === null || y === null ? [] : [[x, y]];
    });
    if (both.length === 0) return null;
    return [mean(both.map(([x]) => x)) ?? 0, mean(both.map(([, y]) => y)) ?? 0];
  };
  return { counts, cost: pair((cell) => cell.cost), latency: pair((cell) => cell.latency) };
}

const hasError = (row: Row, base: string, other: string): boolean =>
  [base, other].some((id) => (row.cells.get(id)?.failed ?? 0) > 0);

/** Indices of the rows to show, in their order. */
export function arranged(
  rows: Row[],
  changes: Change[],
  [base, other]: [string, string],
  only: Filter | undefined,
  sort: Sort | undefined,
): number[] {
  const wanted = (index: number): boolean => {
    const { outcome } = changes[index];
    if (only === "errors") return hasError(rows[index], base, other);
    if (only === "changed") return outcome === "better" || outcome === "worse" || outcome === "mixed";
    return only === undefined || outcome === only || outcome === "mixed";
  };
  const kept = rows.flatMap((_, index) => (wanted(index) ? [index] : []));
  if (sort === undefined) return kept;
  const rises = (of: "cost" | "latency") => (index: number) => {
    const [from, to] = [rows[index].cells.get(base)?.[of], rows[index].cells.get(other)?.[of]];
    return to === null || to === undefined ? -Infinity : to - (from ?? 0);
  };
  const weight = {
    regression: (index: number) => (changes[index].outcome === "missing" ? -Infinity : -changes[index].by),
    improvement: (index: number) => (changes[index].outcome === "missing" ? -Infinity : changes[index].by),
    cost: rises("cost"),
    latency: rises("latency"),
  }[sort];
  const weights = new Map(kept.map((index) => [index, weight(index)]));
  return kept.toSorted((a, b) =>
    weights.get(b) === weights.get(a) ? a - b : weights.get(b)! > weights.get(a)! ? 1 : -1,
  );
}
