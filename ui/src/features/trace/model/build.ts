//! From the skeleton to the model: tree, groups of repeated siblings, totals, axis positions.

import { asideColumns } from "@/lib/api/explain";
import type { Skeleton } from "@/lib/api/types";
import { countAsides, isDouble, placeRows } from "./asides";
import { ERROR, PENDING, type TraceModel } from "./types";

/** This many same-name leaf siblings in a row fold into one `×N` node. */
export const GROUP_MIN = 6;

/** `now` (µs since the trace began) is where runs end that have not ended. */
export function buildModel(skeleton: Skeleton, now = skeleton.duration_us): TraceModel {
  const rows = skeleton.runs;
  const count = rows.id.length;
  // Every group has at least GROUP_MIN members, so this is enough for all nodes.
  const t = allocate(skeleton, count + Math.floor(count / GROUP_MIN) + 1, count);
  const { parent: parents, aside } = placeRows(skeleton);
  const { first, next, roots } = linkChildren(parents);
  const put = (s: number, parent: number): number => {
    const i = t.n++;
    t.run[i] = s;
    t.parent[i] = parent;
    t.depth[i] = parent < 0 ? 0 : t.depth[parent] + 1;
    t.size[i] = 1;
    if (t.depth[i] > t.maxDepth) t.maxDepth = t.depth[i];
    if (s >= 0) fillRun(t, i, s, now);
    return i;
  };
  const groupAt = (s: number): number => {
    let members = 0;
    for (let e = s; e >= 0 && aside[e] === 0 && joins(rows, first, s, e); e = next[e]) members++;
    return members >= GROUP_MIN ? members : 0;
  };
  const putGroup = (s: number, parent: number, members: number): number => {
    const g = put(-1, parent);
    t.name[g] = rows.name[s];
    t.type[g] = rows.type[s];
    t.status[g] = 1;
    t.members[g] = members;
    let e = s;
    for (let k = 0; k < members; k++, e = next[e]) {
      const i = put(e, g);
      t.start[g] = k === 0 ? t.start[i] : Math.min(t.start[g], t.start[i]);
      t.end[g] = Math.max(t.end[g], t.end[i]);
      if (t.status[i] === PENDING) t.status[g] = PENDING;
    }
    t.size[g] = t.n - g;
    return e;
  };
  // Iterative: a chain of 100,000 nested runs must not overflow the stack.
  const stack: { node: number; next: number }[] = [{ node: -1, next: roots }];
  while (stack.length > 0) {
    const frame = stack[stack.length - 1];
    const s = frame.next;
    if (s < 0) {
      stack.pop();
      if (frame.node >= 0) t.size[frame.node] = t.n - frame.node;
      continue;
    }
    const members = frame.node >= 0 && first[s] < 0 ? groupAt(s) : 0;
    if (members > 0) {
      frame.next = putGroup(s, frame.node, members);
      continue;
    }
    frame.next = next[s];
    const node = put(s, frame.node);
    if (first[s] >= 0) stack.push({ node, next: first[s] });
  }
  countAsides(t, aside, asideColumns(rows).transport);
  total(t);
  placeOnAxes(t);
  return t;
}

function allocate(skeleton: Skeleton, nodes: number, runs: number): TraceModel {
  const ints = (): Int32Array => new Int32Array(nodes);
  const floats = (): Float64Array => new Float64Array(nodes);
  return {
    skeleton,
    n: 0,
    runs,
    run: ints(),
    nodeOfRun: new Int32Array(runs).fill(-1),
    parent: ints(),
    depth: ints(),
    size: ints(),
    members: ints(),
    name: ints(),
    type: ints(),
    status: new Uint8Array(nodes),
    start: floats(),
    end: floats(),
    cost: floats(),
    tokens: floats(),
    costAt: floats(),
    tokensAt: floats(),
    errors: ints(),
    unpriced: ints(),
    runsIn: ints(),
    aside: new Uint8Array(nodes),
    kids: ints(),
    doubles: ints(),
    transports: ints(),
    totals: { duration: 0, cost: 0, tokens: 0 },
    maxDepth: 0,
  };
}

/** Child lists from the parent column; roots are linked like siblings. */
function linkChildren(parents: number[]): { first: Int32Array; next: Int32Array; roots: number } {
  const count = parents.length;
  const first = new Int32Array(count).fill(-1);
  const next = new Int32Array(count).fill(-1);
  const last = new Int32Array(count).fill(-1);
  let roots = -1;
  let lastRoot = -1;
  for (let s = 0; s < count; s++) {
    const p = parents[s];
    if (p < 0) {
      if (roots < 0) roots = s;
      else next[lastRoot] = s;
      lastRoot = s;
      continue;
    }
    if (first[p] < 0) first[p] = s;
    else next[last[p]] = s;
    last[p] = s;
  }
  return { first, next, roots };
}

/** True when run `e` continues the repetition that began at `s`. Failures always stay visible. */
const joins = (rows: Skeleton["runs"], first: Int32Array, s: number, e: number): boolean =>
  first[e] < 0 && rows.name[e] === rows.name[s] && rows.type[e] === rows.type[s] && rows.status[e] !== ERROR;

function fillRun(t: TraceModel, i: number, s: number, now: number): void {
  const rows = t.skeleton.runs;
  t.nodeOfRun[s] = i;
  t.name[i] = rows.name[s];
  t.type[i] = rows.type[s];
  t.status[i] = rows.status[s];
  t.start[i] = rows.start_us[s];
  const duration = rows.duration_us[s];
  t.end[i] = duration === null ? Math.max(now, rows.start_us[s]) : rows.start_us[s] + duration;
  t.cost[i] = rows.tree_cost[s] ?? NaN;
  t.tokens[i] = rows.tree_tokens[s];
  // What another run counts is not counted again.
  const counts = !isDouble(t, i);
  t.errors[i] = counts && rows.status[s] === ERROR ? 1 : 0;
  t.unpriced[i] = counts && rows.unpriced[s] >= 0 ? 1 : 0;
  t.runsIn[i] = 1;
}

/** Subtree sums that the server does not send; a group gets cost and tokens of its members. */
function total(t: TraceModel): void {
  for (let i = t.n - 1; i >= 0; i--) {
    const p = t.parent[i];
    if (p < 0) continue;
    t.errors[p] += t.errors[i];
    t.unpriced[p] += t.unpriced[i];
    t.runsIn[p] += t.runsIn[i];
  }
  for (let g = 0; g < t.n; g++) {
    if (t.members[g] === 0) continue;
    t.cost[g] = NaN;
    t.tokens[g] = 0;
    for (let m = g + 1; m <= g + t.members[g]; m++) {
      if (!Number.isNaN(t.cost[m])) t.cost[g] = (Number.isNaN(t.cost[g]) ? 0 : t.cost[g]) + t.cost[m];
      t.tokens[g] += t.tokens[m];
    }
  }
}

/** On the cost and token axes a bar starts where what was spent before it ends. */
function placeOnAxes(t: TraceModel): void {
  place(t, t.cost, t.costAt);
  place(t, t.tokens, t.tokensAt);
  for (let i = 0; i < t.n; i += t.size[i]) {
    t.totals.duration = Math.max(t.totals.duration, t.end[i]);
    t.totals.cost += known(t.cost[i]);
    t.totals.tokens += t.tokens[i];
  }
  for (let i = 0; i < t.n; i++) if (t.end[i] > t.totals.duration) t.totals.duration = t.end[i];
}

function place(t: TraceModel, amount: Float64Array, at: Float64Array): void {
  // Own share first, then the children side by side; the server's roll-up guarantees that they fit.
  const filled = new Float64Array(t.n);
  const inner = new Float64Array(t.n);
  for (let i = t.n - 1; i >= 0; i--) if (t.parent[i] >= 0) inner[t.parent[i]] += known(amount[i]);
  let top = 0;
  for (let i = 0; i < t.n; i++) {
    const p = t.parent[i];
    at[i] = p < 0 ? top : filled[p];
    if (p < 0) top += known(amount[i]);
    else filled[p] += known(amount[i]);
    filled[i] = at[i] + Math.max(0, known(amount[i]) - inner[i]);
  }
}

const known = (x: number): number => (Number.isNaN(x) ? 0 : x);
