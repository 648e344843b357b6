//! The trace in memory: one typed array per column, nodes in pre-order, so that a subtree is a range
//! `[i, i + size[i])`. Nothing allocates per row: 100,000 runs cost a few megabytes, and folding is a skip.

import type { Skeleton } from "@/lib/api/types";
import { shownName, showTurns } from "@/lib/visible-text";

export const PENDING = 0;
export const ERROR = 2;

export interface TraceModel {
  skeleton: Skeleton;
  /** Number of nodes: runs plus groups. */
  n: number;
  /** Number of runs. */
  runs: number;
  /** Node → row of the skeleton, −1 for a group of repeated siblings. */
  run: Int32Array;
  /** Skeleton row → node. */
  nodeOfRun: Int32Array;
  parent: Int32Array;
  depth: Int32Array;
  /** Nodes in the subtree, itself included. */
  size: Int32Array;
  /** Members of a group; 0 for runs. */
  members: Int32Array;
  /** Index into `skeleton.dict`. */
  name: Int32Array;
  type: Int32Array;
  status: Uint8Array;
  /** Microseconds from the start of the trace. */
  start: Float64Array;
  end: Float64Array;
  /** Subtree totals: n$ and tokens. NaN = unknown. */
  cost: Float64Array;
  tokens: Float64Array;
  /** Where a node begins on the cost and token axes: what was spent before it. */
  costAt: Float64Array;
  tokensAt: Float64Array;
  /** In the subtree: failed runs, runs without a price, runs. */
  errors: Int32Array;
  unpriced: Int32Array;
  runsIn: Int32Array;
  /** `DOUBLE` or `TRANSPORT` for what is folded beside the story, see asides.ts. */
  aside: Uint8Array;
  /** Children that are not aside; doubles below a node; transport runs below it. */
  kids: Int32Array;
  doubles: Int32Array;
  transports: Int32Array;
  totals: { duration: number; cost: number; tokens: number };
  maxDepth: number;
}

/** A node's name as it is read. */
export const nameOf = (t: TraceModel, i: number): string => shownName(t.skeleton.dict[t.name[i]]);

export const typeOf = (t: TraceModel, i: number): string => t.skeleton.dict[t.type[i]];

/** First line of a node's error, or nothing. */
export function errorOf(t: TraceModel, i: number): string | null {
  const s = t.run[i];
  if (s < 0) return null;
  const index = t.skeleton.runs.error[s];
  return index >= 0 ? showTurns(t.skeleton.dict[index]) : null;
}

/** Model of a row of the skeleton as it is read, or nothing. */
export function modelOf(t: TraceModel, s: number): string | null {
  const index = s >= 0 ? t.skeleton.runs.model[s] : -1;
  return index >= 0 ? showTurns(t.skeleton.dict[index]) : null;
}

/** Why a row of the skeleton has no cost: a code, or nothing. */
export function unpricedOf(t: TraceModel, s: number): string | null {
  const index = s >= 0 ? t.skeleton.runs.unpriced[s] : -1;
  return index >= 0 ? t.skeleton.dict[index] : null;
}

export { shortModel } from "@/lib/text";

export const isParent = (t: TraceModel, i: number): boolean => t.kids[i] > 0 && t.members[i] === 0;

/** Stable name of a node over refetches: the run id, or the first member's for a group. */
export function keyOf(t: TraceModel, i: number): string {
  const s = t.run[i];
  return s >= 0 ? t.skeleton.runs.id[s] : `group:${t.skeleton.runs.id[t.run[i + 1]]}`;
}

/** Children of a node, in order, without those that are aside. */
export function* childrenOf(t: TraceModel, i: number): Generator<number> {
  for (let c = i + 1, end = i + t.size[i]; c < end; c += t.size[c]) if (t.aside[c] === 0) yield c;
}

/** Roots: one, unless parents are missing. */
export function* rootsOf(t: TraceModel): Generator<number> {
  for (let i = 0; i < t.n; i += t.size[i]) yield i;
}

export function ancestorsOf(t: TraceModel, i: number): number[] {
  const path: number[] = [];
  for (let p = t.parent[i]; p >= 0; p = t.parent[p]) path.unshift(p);
  return path;
}
