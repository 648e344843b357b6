//! What a subtree spent, on which models, in which tools, and what failed in it.

import { ERROR, type TraceModel, childrenOf } from "./types";

export interface ModelShare {
  model: number;
  cost: number;
  calls: number;
  input: number;
  cached: number;
  /** Calls without a price. */
  unpriced: number;
}

export interface ToolShare {
  name: number;
  type: number;
  calls: number;
  time: number;
  errors: number;
  /** A call to go to: the first that failed, else the slowest. */
  node: number;
}

export interface Breakdown {
  models: ModelShare[];
  calls: number[];
  tools: ToolShare[];
  errors: number[];
}

const TOP_CALLS = 5;
const TOP_TOOLS = 6;

export function breakdown(t: TraceModel, root: number): Breakdown {
  const models = new Map<number, ModelShare>();
  const tools = new Map<number, ToolShare>();
  const calls: number[] = [];
  const errors: number[] = [];
  const rows = t.skeleton.runs;
  for (let i = root, end = root + t.size[root]; i < end; i++) {
    const s = t.run[i];
    if (s < 0) continue;
    if (rows.billed[s] === 1 && rows.model[s] >= 0) addModel(models, t, s);
    if ((rows.cost[s] ?? 0) > 0 && rows.billed[s] === 1) calls.push(i);
    if (t.skeleton.dict[t.type[i]] === "tool") addTool(tools, t, i);
    // The first bad runs, not the parents that only pass the failure on.
    if (t.status[i] === ERROR && t.errors[i] === 1 && i !== root) errors.push(i);
  }
  calls.sort((a, b) => (rows.cost[t.run[b]] ?? 0) - (rows.cost[t.run[a]] ?? 0));
  return {
    models: [...models.values()].toSorted((a, b) => b.cost - a.cost || b.calls - a.calls),
    calls: calls.slice(0, TOP_CALLS),
    tools: [...tools.values()].toSorted((a, b) => b.time - a.time).slice(0, TOP_TOOLS),
    errors,
  };
}

function addModel(models: Map<number, ModelShare>, t: TraceModel, s: number): void {
  const rows = t.skeleton.runs;
  const key = rows.model[s];
  const share = models.get(key) ?? { model: key, cost: 0, calls: 0, input: 0, cached: 0, unpriced: 0 };
  share.cost += rows.cost[s] ?? 0;
  share.calls++;
  share.input += rows.input_tokens[s] ?? 0;
  share.cached += rows.cached_tokens[s] ?? 0;
  if (rows.unpriced[s] >= 0) share.unpriced++;
  models.set(key, share);
}

function addTool(tools: Map<number, ToolShare>, t: TraceModel, i: number): void {
  const time = t.end[i] - t.start[i];
  const failed = t.status[i] === ERROR;
  const share = tools.get(t.name[i]) ?? { name: t.name[i], type: t.type[i], calls: 0, time: 0, errors: 0, node: i };
  const best = share.node;
  if (failed ? share.errors === 0 : share.errors === 0 && time > t.end[best] - t.start[best]) share.node = i;
  share.calls++;
  share.time += time;
  if (failed) share.errors++;
  tools.set(t.name[i], share);
}

/** Time of a node during which none of its children ran. */
export function selfTime(t: TraceModel, i: number): number {
  let self = t.end[i] - t.start[i];
  let cursor = t.start[i];
  const kids = [...childrenOf(t, i)].toSorted((a, b) => t.start[a] - t.start[b]);
  for (const k of kids) {
    const from = Math.max(cursor, t.start[k]);
    const to = Math.min(t.end[i], t.end[k]);
    if (to <= from) continue;
    self -= to - from;
    cursor = to;
  }
  return Math.max(0, self);
}

/** The most expensive calls of the whole trace, for `$`. */
export function expensiveCalls(t: TraceModel, limit = 50): number[] {
  const rows = t.skeleton.runs;
  const cost = (i: number): number => rows.cost[t.run[i]] ?? 0;
  const calls: number[] = [];
  for (let i = 0; i < t.n; i++) if (t.run[i] >= 0 && rows.billed[t.run[i]] === 1 && cost(i) > 0) calls.push(i);
  return calls.toSorted((a, b) => cost(b) - cost(a)).slice(0, limit);
}
