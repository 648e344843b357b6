//! What the end of the trace waited for: last finishing child, walking backwards, clipped to the parent.

import { childrenOf, rootsOf, type TraceModel } from "./types";

export interface CriticalPath {
  /** 1 for nodes on the path. */
  on: Uint8Array;
  /** Segments during which a node itself was what everything waited for. */
  from: Float64Array;
  to: Float64Array;
  node: Int32Array;
  /** Linked segments of a node: first, then next; −1 ends. */
  head: Int32Array;
  next: Int32Array;
}

/** Iterative. Children that outlive their parent block nobody and are left out. */
export function criticalPath(t: TraceModel): CriticalPath {
  const on = new Uint8Array(t.n);
  const from: number[] = [];
  const to: number[] = [];
  const node: number[] = [];
  const add = (a: number, b: number, i: number): void => {
    if (b <= a) return;
    from.push(a);
    to.push(b);
    node.push(i);
  };
  const root = lastRoot(t);
  const stack = root < 0 ? [] : [{ i: root, end: t.end[root] }];
  while (stack.length > 0) {
    const { i, end } = stack.pop() as { i: number; end: number };
    on[i] = 1;
    let cursor = Math.min(end, t.end[i]);
    const kids = [...childrenOf(t, i)].toSorted((a, b) => t.end[b] - t.end[a]);
    for (const k of kids) {
      if (t.end[k] > cursor || t.start[k] >= cursor || t.end[k] <= t.start[i]) continue;
      add(t.end[k], cursor, i);
      stack.push({ i: k, end: t.end[k] });
      cursor = Math.max(t.start[k], t.start[i]);
    }
    add(t.start[i], cursor, i);
  }
  return link(t.n, on, from, to, node);
}

/** With several roots the one that ended last decides when the trace ended. */
function lastRoot(t: TraceModel): number {
  let best = -1;
  for (const i of rootsOf(t)) if (best < 0 || t.end[i] > t.end[best]) best = i;
  return best;
}

function link(n: number, on: Uint8Array, from: number[], to: number[], node: number[]): CriticalPath {
  const head = new Int32Array(n).fill(-1);
  const next = new Int32Array(from.length).fill(-1);
  for (let k = 0; k < from.length; k++) {
    next[k] = head[node[k]];
    head[node[k]] = k;
  }
  return { on, from: Float64Array.from(from), to: Float64Array.from(to), node: Int32Array.from(node), head, next };
}
