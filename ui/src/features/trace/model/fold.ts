//! Which rows are on screen: folding, filtering, and finding a node among the visible rows.

import { hasAsides, TRANSPORT } from "./asides";
import { PENDING, type TraceModel, childrenOf, keyOf } from "./types";

/** States of a node that has something below it. */
const OPEN = 0;
const FOLDED = 1;
/** Open, but without what is aside: doubles and transport. */
const ASIDES_FOLDED = 2;

/** Traces up to this many nodes open completely (groups stay folded). */
const SMART_FOLD_ABOVE = 400;
const EXPENSIVE_SHARE = 0.2;

/**
 * The first view of a trace. Small: everything open. Large: the root, every path to an error unless it is as large
 * as a trace, what is running, and depth-1 subtrees with more than a fifth of the cost.
 */
export function defaultFold(t: TraceModel): Uint8Array {
  const folded = new Uint8Array(t.n);
  for (let i = 0; i < t.n; i++) folded[i] = defaultState(t, i);
  return folded;
}

/** A node with nothing but asides is as good as a leaf: they wait behind it. */
function defaultState(t: TraceModel, i: number): number {
  if (t.size[i] === 1) return OPEN;
  if (t.kids[i] > 0 && foldsByDefault(t, i)) return FOLDED;
  return restState(t, i);
}

const restState = (t: TraceModel, i: number): number => (hasAsides(t, i) ? ASIDES_FOLDED : OPEN);

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
  const before = new Map<string, { state: number; asides: boolean }>();
  for (let i = 0; i < old.n; i++)
    if (old.size[i] > 1) before.set(keyOf(old, i), { state: folded[i], asides: hasAsides(old, i) });
  const out = new Uint8Array(t.n);
  for (let i = 0; i < t.n; i++) {
    if (t.size[i] === 1) continue;
    const was = before.get(keyOf(t, i));
    if (!was) out[i] = defaultState(t, i);
    // Asides that arrived since do not open by themselves.
    else out[i] = was.state === OPEN && !was.asides ? restState(t, i) : was.state;
  }
  return out;
}

/** Whether what is below a node is on screen. */
export function isOpen(t: TraceModel, folded: Uint8Array, i: number, transport: boolean): boolean {
  if (folded[i] !== ASIDES_FOLDED) return folded[i] === OPEN;
  return t.kids[i] > 0 || (transport && t.transports[i] > 0);
}

/** Opens or folds a node. What is aside opens with it only where there is nothing else. */
export function toggleFold(t: TraceModel, folded: Uint8Array, i: number, transport: boolean): void {
  if (isOpen(t, folded, i, transport)) folded[i] = t.kids[i] > 0 || transport ? FOLDED : ASIDES_FOLDED;
  else folded[i] = folded[i] === FOLDED && t.kids[i] > 0 ? restState(t, i) : OPEN;
}

/** Shows or folds the doubles and the transport of one node. False when it has none. */
export function toggleAsides(t: TraceModel, folded: Uint8Array, i: number): boolean {
  if (!hasAsides(t, i)) return false;
  folded[i] = folded[i] === OPEN ? ASIDES_FOLDED : OPEN;
  return true;
}

/**
 * Fills `out` with the visible nodes in one pass and gives their number. `keep` leaves out whole subtrees,
 * `transport` shows HTTP and gRPC calls wherever they are.
 */
export function visibleRows(
  t: TraceModel,
  folded: Uint8Array,
  keep: Uint8Array | null,
  out: Int32Array,
  transport = false,
): number {
  let count = 0;
  for (let i = 0; i < t.n;) {
    const isAside = t.aside[i] !== 0 && folded[t.parent[i]] === ASIDES_FOLDED;
    if ((keep && keep[i] === 0) || (isAside && !(transport && t.aside[i] === TRANSPORT))) {
      i += t.size[i];
      continue;
    }
    out[count++] = i;
    i += folded[i] === FOLDED ? t.size[i] : 1;
  }
  return count;
}

/** Opens what hides a node. True when something was folded. */
export function reveal(t: TraceModel, folded: Uint8Array, i: number): boolean {
  let changed = false;
  for (let c = i, p = t.parent[i]; p >= 0; c = p, p = t.parent[p]) {
    const next = t.aside[c] !== 0 ? OPEN : folded[p] === FOLDED ? restState(t, p) : folded[p];
    if (next !== folded[p]) changed = true;
    folded[p] = next;
  }
  return changed;
}

export type FoldAll = "fold" | "unfold" | "groups";

/** `fold`: only roots stay open. `unfold`: all but groups and what is aside. `groups`: these too. */
export function foldAll(t: TraceModel, folded: Uint8Array, how: FoldAll): void {
  for (let i = 0; i < t.n; i++) {
    if (how === "groups" || t.size[i] === 1) folded[i] = OPEN;
    else if (t.members[i] > 0 || (how === "fold" && t.depth[i] > 0 && t.kids[i] > 0)) folded[i] = FOLDED;
    else folded[i] = restState(t, i);
  }
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
