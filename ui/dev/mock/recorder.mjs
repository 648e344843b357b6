// Collects runs while a made-up trace is played, and writes them as the columnar skeleton of the contract.
import { random, uuid } from "./random.mjs";

export const MODELS = [
  { name: "gpt-5-mini", provider: "openai", pin: 0.25, pc: 0.025, pout: 2 },
  { name: "claude-sonnet-4.5", provider: "anthropic", pin: 3, pc: 0.3, pout: 15 },
  { name: "claude-opus-4.5", provider: "anthropic", pin: 15, pc: 1.5, pout: 75 },
  { name: "text-embedding-3-large", provider: "openai", pin: 0.13, pc: 0.13, pout: 0 },
  { name: "inhouse-7b", provider: "vllm" },
];

export class Recorder {
  constructor(seed) {
    this.r = random(seed);
    this.ids = random(seed + 1000);
    this.rows = [];
    this.traceId = uuid(this.ids);
  }

  span(name, type, parent, t0) {
    this.rows.push({ id: uuid(this.ids), name, type, parent, t0, t1: t0, status: 1, attempt: 0, model: -1, billed: 0 });
    return this.rows.length - 1;
  }

  end(i, t1) {
    this.rows[i].t1 = t1;
    return t1;
  }

  fail(i, error) {
    this.rows[i].status = 2;
    this.rows[i].error = error;
  }

  llm(parent, t0, model, tin, tout, cacheShare, name) {
    const m = MODELS[model];
    const i = this.span(name ?? `chat ${m.name}`, "llm", parent, t0);
    const row = this.rows[i];
    const first = 240 + tin / 90 + this.r() * 400;
    Object.assign(row, { model, tin, tout, cached: Math.round(tin * cacheShare), first, billed: 1 });
    if (m.pin === undefined) row.unpriced = "unknown_model";
    else row.cost = Math.round((tin - row.cached) * m.pin * 1000 + row.cached * m.pc * 1000 + tout * m.pout * 1000);
    row.t1 = t0 + first + tout * (9 + this.r() * 5);
    return i;
  }

  embed(parent, t0, tokens, ms) {
    const i = this.span("embed text-embedding-3-large", "embedding", parent, t0);
    Object.assign(this.rows[i], {
      model: 3,
      tin: tokens,
      billed: 1,
      cost: Math.round(tokens * 0.13 * 1000),
      t1: t0 + ms,
    });
    return i;
  }

  /** What went over the wire for a call. */
  wire(parent, name) {
    const { t0, t1 } = this.rows[parent];
    const i = this.span(name, "chain", parent, t0 + 4);
    this.rows[i].transport = true;
    return (this.end(i, t1 - 3), i);
  }

  /** The same call, told once more by another instrumentation. */
  again(of, name) {
    const { parent, t0, t1, model, tin, tout } = this.rows[of];
    const i = this.span(name, "llm", parent, t0 + 1);
    Object.assign(this.rows[i], { t1: t1 - 1, model, tin, tout, doubleOf: of });
    return i;
  }

  /** Sorts into pre-order with siblings by start, as the contract promises. */
  order() {
    const kids = this.rows.map(() => []);
    const roots = [];
    this.rows.forEach((row, i) => (row.parent < 0 ? roots : kids[row.parent]).push(i));
    const byStart = (a, b) => this.rows[a].t0 - this.rows[b].t0 || a - b;
    const out = [];
    const stack = roots.sort(byStart).toReversed();
    while (stack.length > 0) {
      const i = stack.pop();
      out.push(i);
      stack.push(...kids[i].sort(byStart).toReversed());
    }
    const at = new Map(out.map((old, now) => [old, now]));
    this.rows = out.map((old) => ({
      ...this.rows[old],
      parent: this.rows[old].parent < 0 ? -1 : at.get(this.rows[old].parent),
      doubleOf: this.rows[old].doubleOf === undefined ? undefined : at.get(this.rows[old].doubleOf),
    }));
  }

  skeleton(meta) {
    this.order();
    const { rows } = this;
    const dict = [];
    const index = new Map();
    const word = (text) => {
      if (text === undefined || text === null) return -1;
      if (!index.has(text)) index.set(text, dict.push(text) - 1);
      return index.get(text);
    };
    const treeCost = rows.map((row) => row.cost ?? null);
    const treeTokens = rows.map((row) => (row.tin ?? 0) + (row.tout ?? 0));
    for (let i = rows.length - 1; i >= 0; i--) {
      const p = rows[i].parent;
      if (p < 0) continue;
      if (treeCost[i] !== null) treeCost[p] = (treeCost[p] ?? 0) + treeCost[i];
      treeTokens[p] += treeTokens[i];
    }
    const us = (ms) => Math.round(ms * 1000);
    const column = (f) => rows.map(f);
    const sum = (f) => rows.reduce((total, row) => total + (f(row) ?? 0), 0);
    const pending = rows.some((row) => row.status === 0);
    return {
      trace_id: this.traceId,
      project: meta.project,
      start_time: meta.start,
      duration_us: Math.max(...rows.map((row) => us(row.t1))),
      status: ["pending", "success", "error"][rows[0].status],
      running: pending,
      version: String(rows.length),
      totals: {
        cost: (sum((row) => row.cost) / 1e9).toFixed(9),
        input_cost: null,
        output_cost: null,
        input_tokens: sum((row) => row.tin),
        output_tokens: sum((row) => row.tout),
        total_tokens: sum((row) => (row.tin ?? 0) + (row.tout ?? 0)),
        cached_tokens: sum((row) => row.cached),
        reasoning_tokens: 0,
        run_count: rows.length,
        error_count: rows.filter((row) => row.status === 2).length,
        unpriced_count: rows.filter((row) => row.unpriced).length,
        llm_count: rows.filter((row) => row.type === "llm").length,
      },
      thread_id: meta.thread ?? null,
      user_id: meta.user ?? null,
      environment: "production",
      tags: meta.tags ?? [],
      name: rows[0].name,
      dict,
      feedback: [],
      runs: {
        id: column((row) => row.id),
        parent: column((row) => row.parent),
        orphan: meta.orphan ?? [],
        name: column((row) => word(row.name)),
        type: column((row) => word(row.type)),
        status: column((row) => row.status),
        start_us: column((row) => us(row.t0)),
        duration_us: column((row) => (row.status === 0 ? null : us(row.t1 - row.t0))),
        first_token_us: column((row) => (row.first === undefined ? null : us(row.first))),
        cost: column((row) => row.cost ?? null),
        tree_cost: treeCost,
        input_tokens: column((row) => row.tin ?? null),
        output_tokens: column((row) => row.tout ?? null),
        cached_tokens: column((row) => row.cached ?? null),
        reasoning_tokens: column(() => null),
        tree_tokens: treeTokens,
        model: column((row) => (row.model < 0 ? -1 : word(MODELS[row.model].name))),
        error: column((row) => word(row.error)),
        attempt: column((row) => row.attempt),
        billed: column((row) => row.billed),
        unpriced: column((row) => word(row.unpriced)),
        double_of: column((row) => row.doubleOf ?? -1),
        transport: column((row) => (row.transport ? 1 : 0)),
      },
    };
  }
}
