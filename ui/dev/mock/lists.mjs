// List answers: a few thousand rows that page, sort and count like the real ones (the filter text is not evaluated).
import { random, uuid } from "./random.mjs";

const NAMES = ["trip-planner", "support-triage", "invoice-extract", "code-review", "sql-copilot"];
const MODEL_NAMES = ["gpt-5-mini", "claude-sonnet-4.5", "claude-opus-4.5", "gemini-3-flash"];
const ROWS = 4242;
const r = random(3);
const made = Array.from({ length: ROWS }, (_, k) => row(k));

function row(k) {
  const tokens = Math.floor(500 + r() * r() * 120_000);
  const failed = r() < 0.032;
  const latency = Math.floor(3e5 + r() * r() * 4e7);
  const name = NAMES[Math.floor(r() * r() * NAMES.length)];
  return {
    trace_id: uuid(r),
    root_run_id: uuid(r),
    name,
    run_type: "agent",
    status: failed ? "error" : "success",
    error: failed ? "RateLimitError: 429 from api.openai.com, retry after 20 s" : null,
    start_time: (Date.now() - 20_000 * (k + 4)) * 1000,
    latency_us: latency,
    first_token_us: Math.floor(latency * 0.1),
    cost: (tokens * 1.4e-6).toFixed(6),
    input_cost: ((tokens - 200) * 1.4e-6).toFixed(6),
    output_cost: (200 * 1.4e-6).toFixed(6),
    unpriced_count: 0,
    input_tokens: tokens - 200,
    output_tokens: 200,
    total_tokens: tokens,
    cached_tokens: 0,
    run_count: Math.floor(2 + r() * 700),
    llm_count: Math.floor(1 + r() * 40),
    error_count: failed ? 1 : 0,
    models: [MODEL_NAMES[Math.floor(r() * MODEL_NAMES.length)]],
    providers: ["openai"],
    tags: r() < 0.2 ? ["beta"] : [],
    user_id: `usr_${Math.floor(r() * 9000)}`,
    thread_id: null,
    environment: "production",
    service: name,
    input_preview: "Plan a 9-day trip to Kyoto and Naoshima for two in late November. Budget 4 200 EUR all in.",
    output_preview: failed
      ? null
      : "Here is a day-by-day plan that keeps you under budget, with two nights in Naoshima.",
    orphan: false,
    metadata: { plan: "pro" },
    feedback: [],
  };
}

const real = (skeleton) => ({
  ...made[0],
  trace_id: skeleton.trace_id,
  root_run_id: skeleton.runs.id[0],
  name: skeleton.name,
  status: skeleton.status,
  error: skeleton.runs.error[0] < 0 ? null : skeleton.dict[skeleton.runs.error[0]],
  start_time: skeleton.start_time,
  latency_us: skeleton.running ? null : skeleton.duration_us,
  cost: skeleton.totals.cost,
  input_cost: skeleton.totals.input_cost,
  output_cost: skeleton.totals.output_cost,
  total_tokens: skeleton.totals.total_tokens,
  run_count: skeleton.totals.run_count,
  llm_count: skeleton.totals.llm_count,
  error_count: skeleton.totals.error_count,
  unpriced_count: skeleton.totals.unpriced_count,
});

const KEYS = { start: "start_time", latency: "latency_us", cost: "cost", tokens: "total_tokens" };

export function page(skeletons, query) {
  const sort = query.get("sort") || "-start";
  const key = KEYS[sort.replace("-", "")] ?? "start_time";
  const sign = sort.startsWith("-") ? -1 : 1;
  const all = [...skeletons.map(real), ...made].sort((a, b) => sign * (Number(a[key] ?? 0) - Number(b[key] ?? 0)));
  const from = Number(query.get("cursor") ?? 0);
  const limit = Number(query.get("limit") ?? 50);
  return {
    traces: all.slice(from, from + limit),
    next_cursor: from + limit < all.length ? String(from + limit) : null,
  };
}

export function histogram(query) {
  const n = Number(query.get("buckets") ?? 60);
  const to = Date.now() * 1000;
  const bucket = Math.floor(86_400e6 / n);
  const wave = Array.from({ length: n }, (_, k) => 40 + Math.round(30 * Math.sin(k / 5) + r() * 14));
  return {
    from: to - bucket * n,
    to,
    bucket_us: bucket,
    ok: wave,
    error: wave.map((x) => Math.round(x * 0.03 + r())),
    cost: wave.map((x) => x * 11_000_000),
    p95_us: wave.map((x) => x * 300_000),
  };
}

const count = (f) => {
  const counts = new Map();
  for (const item of made) counts.set(f(item), (counts.get(f(item)) ?? 0) + 1);
  return [...counts]
    .map(([value, n]) => ({ value, count: n }))
    .sort((a, b) => b.count - a.count)
    .slice(0, 20);
};

export const facets = () => ({
  facets: [
    { field: "status", values: count((item) => item.status) },
    { field: "name", values: count((item) => item.name) },
    { field: "model", values: count((item) => item.models[0]) },
    { field: "environment", values: count((item) => item.environment) },
    { field: "user", values: count((item) => item.user_id) },
  ],
});

export const stats = () => ({
  count: ROWS,
  error_count: made.filter((item) => item.status === "error").length,
  cost: "481.2",
  input_cost: "391.2",
  output_cost: "90",
  unpriced_count: 0,
  input_tokens: 9e7,
  output_tokens: 3e6,
  total_tokens: 93_000_000,
  p50_us: 6_100_000,
  p95_us: 31_000_000,
  p99_us: 39_000_000,
  first_run_at: made.at(-1).start_time,
  last_run_at: made[0].start_time,
});
