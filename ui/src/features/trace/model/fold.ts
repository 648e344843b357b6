//! Which rows are on screen: folding, filtering, and finding a node among the visible rows.

import { PENDING, type TraceModel, childrenOf, keyOf } from "./types";

/** Traces up to this many nodes open completely (groups stay folded). */
const SMART_FOLD_ABOVE = 400;
const EXPENSIVE_SHARE = 0.2;

/**
 * The first view of a trace. Small: everything open. Large: the root, every path to an error unless it is as large
 * as a trace, what is running, and depth-1 subtrees with more than a fifth of the cost.
 */
export function defaultFold(t: TraceModel): Uint8Array {
  const folded = new Uint8Array(t.n);
  for (let i = 0; i < t.n; i++) if (foldsByDefault(t, i)) folded[i] = 1;
  return folded;
}

export function foldsByDefault(t: TraceModel, i: number): boolean {
  if (t.size[i] === 1) return false;
  if (t.members[i] > 0) return true;
  if (t.n <= SMART_FOLD_ABOVE || t.depth[i] === 0) return false;
  if (t.errors[i] > 0 && t.size[i] < SMART_FOLD_ABOVE) return false;
  if (t.status[i] === PENDING && t.size[i] < SMART_FOLD_ABOVE) return false;
  return !(t.depth[i] === 1 && t.cost[i] > t.totals.cost * EXPENSIVE_SHARE);
}

/** After a refetch: what was folded stays folded, what is new folds by the rules. */
export function carryFold(old: TraceModel, folded: Uint8Array, t: TraceModel): Uint8Array {
  const before = new Map<string, number>();
  for (let i = 0; i < old.n; i++) if (old.size[i] > 1) before.set(keyOf(old, i), folded[i]);
  const out = new Uint8Array(t.n);
  for (let i = 0; i < t.n; i++) if (t.size[i] > 1) out[i] = before.get(keyOf(t, i)) ?? (foldsByDefault(t, i) ? 1 : 0);
  return out;
}

/** Fills `out` with the visible nodes in one pass and gives their number. `keep` leaves out whole subtrees. */
export function visibleRows(t: TraceModel, folded: Uint8Array, keep: Uint8Array | null, out: Int32Array): number {
  let count = 0;
  for (let i = 0; i < t.n;) {
    if (keep && keep[i] === 0) {
      i += t.size[i];
      continue;
    }
    out[count++] = i;
    i += folded[i] ? t.size[i] : 1;
  }
  return count;
}

/** Opens what hides a node. True when something was folded. */
export function reveal(t: TraceModel, folded: Uint8Array, i: number): boolean {
  let changed = false;
  for (let p = t.parent[i]; p >= 0; p = t.parent[p]) {
    if (folded[p]) changed = true;
    folded[p] = 0;
  }
  return changed;
}

export type FoldAll = "fold" | "unfold" | "groups";

/** `fold`: only roots stay open. `unfold`: all but groups. `groups`: these too. */
export function foldAll(t: TraceModel, folded: Uint8Array, how: FoldAll): void {
  if (how === "groups") folded.fill(0);
  else if (how === "unfold") for (let i = 0; i < t.n; i++) folded[i] = t.members[i] > 0 ? 1 : 0;
  else for (let i = 0; i < t.n; i++) folded[i] = t.size[i] > 1 && t.depth[i] > 0 ? 1 : 0;
}

/** Marks nodes for which `test` holds, and all their ancestors. */
export function keepMask(t: TraceModel, test: (i: number) => boolean): Uint8Array {
  const keep = new Uint8Array(t.n);
  for (let i = t.n - 1; i >= 0; i--) {
    if (keep[i] === 0 && test(i)) keep[i] = 1;
    if (keep[i] === 1 && t.parent[i] >= 0) keep[t.parent[i]] = 1;
  }
  return keep;
}

/** Row of a node among the first `count` visible rows (they ascend), or −1. */
export function rowOf(rows: Int32Array, count: number, node: number): number {
  const at = lowerBound(rows, count, node);
  return at < count && rows[at] === node ? at : -1;
}

export function lowerBound(rows: Int32Array, count: number, node: number): number {
  let a = 0;
  let b = count;
  while (a < b) {
    const middle = (a + b) >> 1;
    if (rows[middle] < node) a = middle + 1;
    else b = middle;
  }
  return a;
}

/** Names of the tools directly below a node: what a folded step did. */
export function toolsBelow(t: TraceModel, i: number, limit = 3): string[] {
  const out: string[] = [];
  for (const c of childrenOf(t, i)) {
    if (out.length >= limit) break;
    if (t.skeleton.dict[t.type[c]] === "tool") out.push(t.skeleton.dict[t.name[c]]);
  }
  return out;
}
