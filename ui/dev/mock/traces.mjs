// The stories the mock tells: a large agent trace that breaks, a small RAG, one that is still running.
import { Recorder } from "./recorder.mjs";

const AGENTS = ["research_flights", "research_hotels", "research_activities", "budget_check", "compose_itinerary"];
const TOOLS = ["web_search", "web_fetch", "flights.search", "hotels.search", "maps.route", "calculator", "sql.query"];

export function tripPlanner(target, seed, meta) {
  const rec = new Recorder(seed);
  const { rows } = rec;
  const root = rec.span("trip-planner", "agent", -1, 0);
  const guard = rec.span("guardrail.input", "guardrail", root, 4);
  let t = rec.end(guard, rows[rec.llm(guard, 7, 0, 812, 14, 0)].t1 + 2) + 3;
  const plan = rec.span("plan", "chain", root, t);
  t = rec.end(plan, rows[rec.llm(plan, t + 2, 1, 4210, 640, 0.1)].t1 + 1) + 2;
  t = index(rec, root, t, Math.floor(target * 0.62)) + 4;
  const perAgent = Math.max(24, Math.floor((target * 0.37) / 4.5));
  let last = t;
  AGENTS.forEach((name, a) => {
    const end = agent(rec, root, name, a, t, Math.floor(perAgent * (a === 4 ? 0.5 : 1)));
    last = Math.max(last, end);
    t = a < 3 ? t + (end - t) * 0.22 : end + 4;
  });
  const out = rec.span("guardrail.output", "guardrail", root, last + 3);
  const check = rec.span("validate_itinerary", "chain", out, last + 4);
  rec.fail(check, "ValidationError: itinerary.total_eur — field required (type=missing)");
  rec.fail(out, "GuardrailFailed: output rejected by schema Itinerary@v7");
  rec.fail(root, "AgentError: run failed in guardrail.output");
  rec.end(root, rec.end(out, rec.end(check, last + 42) + 2) + 4);
  return rec.skeleton(meta);
}

function index(rec, root, start, count) {
  const parent = rec.span("index_documents", "chain", root, start);
  const batches = Math.max(1, Math.round(count / 160));
  let at = start + 2;
  let end = at;
  for (let b = 0; b < batches; b++) {
    const batch = rec.span("index_batch", "chain", parent, at);
    let done = at + 1;
    for (let k = 0; k < Math.floor(count / batches) - 1; k++) {
      const e = rec.embed(
        batch,
        at + 1 + (k % 8) * 6 + Math.floor(k / 8) * 40,
        380 + Math.floor(rec.r() * 700),
        24 + rec.r() * 36,
      );
      done = Math.max(done, rec.rows[e].t1);
    }
    rec.end(batch, done + 2);
    end = Math.max(end, done + 2);
    at += (done - at) * 0.34;
  }
  return rec.end(parent, end + 3);
}

function agent(rec, root, name, a, start, budget) {
  const self = rec.span(name, "agent", root, start);
  const { rows, r } = rec;
  const stop = rows.length + budget;
  let at = start + 2;
  let context = 3100 + Math.floor(r() * 1200);
  let escalated = false;
  for (let step = 1; rows.length < stop - 6; step++) {
    const turn = rec.span("step", "chain", self, at);
    const model = a === 3 && escalated ? 2 : a >= 3 || step % 9 === 0 ? 1 : 0;
    const call = rec.llm(
      turn,
      at + 1,
      model,
      Math.min(72_000, context),
      120 + Math.floor(r() * 500),
      a === 3 ? 0.02 : 0.62,
    );
    let end = rows[call].t1 + 1;
    const base = end;
    for (let k = 0, n = 1 + Math.floor(r() * 3); k < n; k++) {
      const begin = r() < 0.7 ? base + k * 3 : end + 1;
      if (a === 3 && !escalated && step === 3 && k === 0) {
        end = Math.max(end, failingTool(rec, turn, begin));
        escalated = true;
      } else end = Math.max(end, tool(rec, turn, begin));
    }
    context += 420 + Math.floor(r() * 1400) + (a === 3 ? 900 : 0);
    if (context > 72_000) {
      context = 8_000;
      const summary = rec.span("summarise_history", "chain", self, end + 1);
      end = rec.end(summary, rows[rec.llm(summary, end + 2, 1, 70_000, 900, 0.5)].t1 + 1);
    }
    rec.end(turn, end + 1);
    at = end + 3 + r() * 4;
  }
  return rec.end(self, at + 1);
}

function failingTool(rec, parent, t0) {
  const self = rec.span("fx.convert", "tool", parent, t0);
  let at = t0;
  for (let k = 0; k < 3; k++) {
    const call = rec.span("POST api.fxrates.dev/convert", "tool", self, at + 2);
    rec.end(call, at + 4004);
    rec.rows[call].attempt = k + 1;
    rec.fail(call, "ReadTimeout: no response from api.fxrates.dev within 4000 ms");
    at += 4004 + 250 * 2 ** k;
  }
  rec.fail(self, "ToolError: fx.convert failed after 3 attempts");
  return rec.end(self, at);
}

function tool(rec, parent, t0) {
  const { rows, r } = rec;
  const name = TOOLS[Math.floor(r() * TOOLS.length)];
  const self = rec.span(name, "tool", parent, t0);
  let end = t0 + 240 + r() * r() * 2600;
  if (name === "web_search") end = search(rec, self, t0);
  else if (name === "sql.query") rec.end(rec.span("postgres SELECT trips", "retriever", self, t0 + 2), end - 20);
  else if (name === "web_fetch") {
    rec.end(rec.span("GET httpx", "chain", self, t0 + 3), t0 + 200);
    const extract = rec.span("extract_facts", "chain", self, t0 + 210);
    for (let q = 0, n = 2 + Math.floor(r() * 5); q < n; q++)
      end = Math.max(
        end,
        rows[rec.llm(extract, t0 + 212 + q * 4, 0, 1800 + Math.floor(r() * 2600), 90, 0.2, "extract chunk")].t1 + 2,
      );
    rec.end(extract, end - 1);
  }
  if (r() < 0.004)
    rec.fail(self, name === "web_fetch" ? "HTTPStatusError: 429 Too Many Requests" : "ValueError: empty result set");
  return rec.end(self, end);
}

function search(rec, parent, t0) {
  const { rows, r } = rec;
  const pipe = rec.span("search_pipeline", "chain", parent, t0 + 1);
  let at = rows[rec.llm(pipe, t0 + 2, 0, 640 + Math.floor(r() * 300), 38, 0, "rewrite_query")].t1 + 1;
  const hybrid = rec.span("hybrid_retrieve", "retriever", pipe, at);
  rec.end(rec.span("bm25 opensearch", "retriever", hybrid, at + 1), at + 70);
  rec.embed(hybrid, at + 1, 24, 28);
  at = rec.end(hybrid, rec.end(rec.span("ann pgvector", "retriever", hybrid, at + 30), at + 70 + r() * 90) + 1) + 1;
  const docs = rec.span("fetch_documents", "chain", pipe, at);
  let end = at;
  for (let q = 0, n = 3 + Math.floor(r() * 9); q < n; q++)
    end = Math.max(end, rec.end(rec.span("GET document", "tool", docs, at + q * 3), at + q * 3 + 40 + r() * 300));
  rec.end(docs, end + 1);
  end = rec.end(rec.span("rerank", "retriever", pipe, end + 2), end + 200);
  return rec.end(pipe, end + 1) + 1;
}

export function rag(seed, meta, unpriced = false) {
  const rec = new Recorder(seed);
  const root = rec.span("answer_question", "chain", -1, 0);
  const query = rec.embed(root, 3, 18, 41);
  const find = rec.span("search_handbook", "retriever", root, rec.rows[query].t1 + 1);
  rec.end(find, rec.rows[find].t0 + 62);
  const call = rec.llm(root, rec.rows[find].t1 + 2, unpriced ? 4 : 0, 2140, 310, 0.4);
  rec.wire(query, "POST api.openai.com/v1/embeddings");
  const double = rec.again(call, "ChatCompletion");
  rec.wire(rec.wire(double, "POST api.openai.com/v1/chat/completions"), "tls connect");
  rec.wire(call, "POST api.openai.com/v1/chat/completions");
  rec.end(root, rec.rows[call].t1 + 3);
  return rec.skeleton(meta);
}

/** An agent that has taken `steps` steps and is waiting for the next answer. */
export function running(seed, meta, steps = 1) {
  const rec = new Recorder(seed);
  const root = rec.span("support-triage", "agent", -1, 0);
  rec.rows[root].status = 0;
  let at = 5;
  for (let k = 0; k < steps; k++) {
    const turn = rec.span("step", "chain", root, at);
    const call = rec.llm(turn, at + 1, 1, 3200 + k * 400, 180, 0.1);
    const tool = rec.span("lookup_invoice", "tool", turn, rec.rows[call].t1 + 2);
    at = rec.end(turn, rec.end(tool, rec.rows[tool].t0 + 900) + 1) + 2;
  }
  const next = rec.llm(root, at, 1, 3600, 0, 0.8);
  rec.rows[next].status = 0;
  rec.rows[root].t1 = rec.rows[next].t1;
  return rec.skeleton(meta);
}
