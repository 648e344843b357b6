//! Small skeletons for tests, written as indented rows.

import type { AsideColumns } from "@/lib/api/explain";
import type { Skeleton } from "@/lib/api/types";

export interface Row {
  name: string;
  /** Row index of the parent. */
  parent?: number;
  type?: string;
  from: number;
  to: number | null;
  error?: string;
  cost?: number;
  tokens?: number;
  unpriced?: string;
  model?: string;
  transport?: boolean;
  /** Row that counts this call. */
  doubleOf?: number;
}

export function skeletonOf(rows: Row[]): Skeleton {
  const dict: string[] = [];
  const word = (text: string | undefined): number => {
    if (text === undefined) return -1;
    const at = dict.indexOf(text);
    return at >= 0 ? at : dict.push(text) - 1;
  };
  const cost = rows.map((row) => row.cost ?? null);
  const tokens = rows.map((row) => row.tokens ?? 0);
  const treeCost = [...cost];
  const treeTokens = [...tokens];
  for (let i = rows.length - 1; i >= 0; i--) {
    const p = rows[i].parent ?? -1;
    if (p < 0) continue;
    if (treeCost[i] !== null) treeCost[p] = (treeCost[p] ?? 0) + (treeCost[i] ?? 0);
    treeTokens[p] += treeTokens[i];
  }
  return {
    trace_id: "t",
    project: { id: "p", name: "p" },
    start_time: 0,
    duration_us: Math.max(...rows.map((row) => row.to ?? row.from)),
    status: "success",
    running: rows.some((row) => row.to === null),
    version: "1",
    totals: {
      cost: null,
      input_cost: null,
      output_cost: null,
      input_tokens: null,
      output_tokens: null,
      total_tokens: null,
      cached_tokens: null,
      reasoning_tokens: null,
      run_count: rows.length,
      error_count: 0,
      unpriced_count: 0,
      llm_count: 0,
    },
    thread_id: null,
    user_id: null,
    environment: null,
    tags: [],
    name: rows[0].name,
    dict,
    feedback: [],
    runs: {
      id: rows.map((_, i) => `run-${i}`),
      parent: rows.map((row) => row.parent ?? -1),
      orphan: [],
      name: rows.map((row) => word(row.name)),
      type: rows.map((row) => word(row.type ?? "chain")),
      status: rows.map((row) => (row.to === null ? 0 : row.error ? 2 : 1)),
      start_us: rows.map((row) => row.from),
      duration_us: rows.map((row) => (row.to === null ? null : row.to - row.from)),
      first_token_us: rows.map(() => null),
      cost,
      tree_cost: treeCost,
      input_tokens: rows.map((row) => row.tokens ?? null),
      output_tokens: rows.map(() => null),
      cached_tokens: rows.map(() => null),
      reasoning_tokens: rows.map(() => null),
      tree_tokens: treeTokens,
      model: rows.map((row) => word(row.model)),
      error: rows.map((row) => word(row.error)),
      attempt: rows.map(() => 0),
      billed: rows.map((row) => (row.cost !== undefined || row.unpriced ? 1 : 0)),
      unpriced: rows.map((row) => word(row.unpriced)),
      ...asides(rows),
    },
  };
}

const asides = (rows: Row[]): AsideColumns => ({
  double_of: rows.map((row) => row.doubleOf ?? -1),
  transport: rows.map((row) => (row.transport ? 1 : 0)),
});

/** A root with `count` equal leaves: what groups are made of. */
export const fanOut = (count: number): Row[] => [
  { name: "root", from: 0, to: 1000 },
  ...Array.from({ length: count }, (_, k) => ({
    name: "embed",
    parent: 0,
    type: "embedding",
    from: k,
    to: k + 10,
    cost: 5,
    tokens: 2,
  })),
];
