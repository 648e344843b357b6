//! The runs behind a link as rows of a tree.

import type { SharedRun } from "@/lib/api/sharing";

export interface TreeRow {
  run: SharedRun;
  depth: number;
}

/** Parents before their children, siblings by time. Runs whose parent is not shared are at the top. */
export function treeRows(runs: SharedRun[]): TreeRow[] {
  const known = new Set(runs.map((run) => run.id));
  const children = new Map<string | null, SharedRun[]>();
  for (const run of runs) {
    const parent = run.parent_run_id && known.has(run.parent_run_id) ? run.parent_run_id : null;
    const list = children.get(parent);
    if (list) list.push(run);
    else children.set(parent, [run]);
  }
  for (const list of children.values()) list.sort((a, b) => a.start_time.localeCompare(b.start_time));
  const rows: TreeRow[] = [];
  // A stack instead of recursion: chains can be thousands of runs deep.
  const open = (children.get(null) ?? []).map((run) => ({ run, depth: 0 })).toReversed();
  for (let row = open.pop(); row; row = open.pop()) {
    rows.push(row);
    for (const run of (children.get(row.run.id) ?? []).toReversed()) open.push({ run, depth: row.depth + 1 });
  }
  return rows;
}

/** Microseconds from start to end; nothing while it runs. */
export function latencyOf(run: SharedRun): number | null {
  if (run.end_time === null) return null;
  return Math.max(0, microsOf(run.end_time) - microsOf(run.start_time));
}

/** Microseconds since the epoch of an ISO time with microseconds. */
export function microsOf(iso: string): number {
  const digits = /\.(\d+)/.exec(iso)?.[1] ?? "";
  return Math.floor(Date.parse(iso) / 1000) * 1_000_000 + Number(digits.padEnd(6, "0").slice(0, 6));
}
