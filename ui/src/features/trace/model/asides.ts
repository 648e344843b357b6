//! Runs that stand beside the story: a second report of a call that another run counts, and the HTTP and gRPC calls
//! below a call of a model. They are folded under the run they belong to, and each stays within reach.

import { asideColumns } from "@/lib/api/explain";
import type { Skeleton, SkeletonColumns } from "@/lib/api/types";
import type { TraceModel } from "./types";

export const DOUBLE = 1;
export const TRANSPORT = 2;

/** How far up a loop is looked for; no trace that anyone reads is this deep. */
const MOST_LEVELS = 10_000;

export interface Placement {
  /** Row of the parent in the tree as it is shown. */
  parent: number[];
  /** 0, `DOUBLE` or `TRANSPORT` for each row of the skeleton. */
  aside: Uint8Array;
}

/** Puts doubles under the run that counts, and marks what is transport below a call of a model. */
export function placeRows(skeleton: Skeleton): Placement {
  const rows = skeleton.runs;
  const aside = new Uint8Array(rows.id.length);
  const parent = underCounted(rows, aside);
  const transport = asideColumns(rows).transport;
  if (transport?.includes(1)) markTransport(skeleton, transport, aside);
  return { parent, aside };
}

function underCounted(rows: SkeletonColumns, aside: Uint8Array): number[] {
  const doubleOf = asideColumns(rows).double_of ?? [];
  if (!doubleOf.some((counted) => counted >= 0)) return rows.parent;
  const parent = [...rows.parent];
  doubleOf.forEach((counted, s) => {
    if (counted < 0 || counted >= parent.length || (doubleOf[counted] ?? -1) >= 0) return;
    // A double that contains the run which counts stays where it is: it cannot hang below itself.
    if (isBelow(parent, counted, s)) return;
    parent[s] = counted;
    aside[s] = DOUBLE;
  });
  return parent;
}

function isBelow(parent: number[], s: number, ancestor: number): boolean {
  for (let p = s, level = 0; p >= 0; p = parent[p], level++) if (p === ancestor || level > MOST_LEVELS) return true;
  return false;
}

const CALLS = new Set(["llm", "embedding"]);

/** The top transport run below a call, unless something worth reading happened in it: another agent behind a gateway. */
function markTransport(skeleton: Skeleton, transport: number[], aside: Uint8Array): void {
  const { dict, runs } = skeleton;
  const count = runs.id.length;
  // By the parents that were sent, which come before their children.
  const plain = new Uint8Array(count).fill(1);
  for (let s = count - 1; s >= 0; s--) {
    if (transport[s] !== 1 && dict[runs.type[s]] !== "chain") plain[s] = 0;
    if (plain[s] === 0 && runs.parent[s] >= 0) plain[runs.parent[s]] = 0;
  }
  /** 1 = in a call, 2 = in transport that is folded already. */
  const within = new Uint8Array(count);
  for (let s = 0; s < count; s++) {
    const p = runs.parent[s];
    const above = p < 0 ? 0 : within[p];
    const folds = above === 1 && transport[s] === 1 && plain[s] === 1 && aside[s] === 0;
    if (folds) aside[s] = TRANSPORT;
    within[s] = folds || above === 2 ? 2 : above === 1 || CALLS.has(dict[runs.type[s]]) ? 1 : 0;
  }
}

/** Fills the columns of the model that say what is folded where. */
export function countAsides(t: TraceModel, aside: Uint8Array, transport: number[] | undefined): void {
  for (let i = 0; i < t.n; i++) {
    const s = t.run[i];
    const p = t.parent[i];
    t.aside[i] = s >= 0 ? aside[s] : 0;
    if (p < 0) continue;
    if (t.aside[i] === 0) t.kids[p]++;
    else if (t.aside[i] === DOUBLE) t.doubles[p]++;
    else t.transports[p] += transportIn(t, i, transport);
  }
}

function transportIn(t: TraceModel, i: number, transport: number[] | undefined): number {
  let count = 0;
  for (let k = i; k < i + t.size[i]; k++) if (transport?.[t.run[k]] === 1) count++;
  return count;
}

export const hasAsides = (t: TraceModel, i: number): boolean => t.doubles[i] > 0 || t.transports[i] > 0;

/** True when the run repeats a call that another run counts. */
export const isDouble = (t: TraceModel, i: number): boolean =>
  t.run[i] >= 0 && (asideColumns(t.skeleton.runs).double_of?.[t.run[i]] ?? -1) >= 0;

/** Whether its own tokens or its own cost count in the totals. */
export const isBilled = (t: TraceModel, i: number): boolean => t.run[i] >= 0 && t.skeleton.runs.billed[t.run[i]] === 1;
