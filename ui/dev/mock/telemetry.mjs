// Log records and metrics for the mock: made from the traces' runs, so that links lead somewhere.
import { random } from "./random.mjs";

const SAY = {
  llm: ["sending request to the model", "response received", "retrying after 429 Too Many Requests"],
  tool: ["calling tool", "tool answered", "upstream answered 503, will retry"],
  other: ["step started", "step finished", "budget at 92% of its limit"],
};
const LEVELS = [
  ["debug", 5],
  ["info", 9],
  ["warn", 13],
  ["error", 17],
  ["fatal", 21],
];
const STACK = `Traceback (most recent call last):
  File "/app/agent/tools/fx.py", line 41, in convert
    response = client.post(url, json=body, timeout=4)
  File "/usr/lib/python3.12/site-packages/httpx/_client.py", line 1144, in post
    return self.request("POST", url)
httpx.ReadTimeout: The read operation timed out`;

const hex = (n) => Math.abs(n).toString(16).padStart(32, "0");

function recordOf(skeleton, i, n) {
  const c = skeleton.runs;
  const type = skeleton.dict[c.type[i]];
  const name = skeleton.dict[c.name[i]];
  const failed = c.status[i] === 2;
  const pick = (n * 7 + i) % 13;
  const [level, severity] = failed
    ? LEVELS[i % 9 === 0 ? 4 : 3]
    : pick === 0
      ? LEVELS[2]
      : pick < 5
        ? LEVELS[0]
        : LEVELS[1];
  const words = SAY[type] ?? SAY.other;
  const event = type === "llm" && n === 1 && !failed;
  const time = Math.round(skeleton.start_time + c.start_us[i] + ((c.duration_us[i] ?? 1000) * (n + 1)) / 4);
  return {
    id: hex(i * 8 + n + Math.round(skeleton.start_time / 1000)),
    time,
    observed_time: time + 1800,
    trace_id: skeleton.trace_id,
    run_id: c.id[i],
    severity,
    severity_text: level.toUpperCase(),
    level,
    event_name: event ? "gen_ai.choice" : null,
    body: event
      ? {
          index: 0,
          finish_reason: "stop",
          message: { role: "assistant", content: "Two nights in Kurama, then Naoshima." },
        }
      : failed
        ? `${name} failed after 3 attempts: ReadTimeout`
        : `${words[pick === 0 ? 2 : n % 2]} ${name} trace=${skeleton.trace_id.slice(0, 8)} attempt=${1 + (pick % 3)}`,
    attributes: {
      "code.function.name": name.replace(/\W+/g, "_"),
      "code.line.number": 40 + (i % 200),
      "thread.name": `worker-${i % 4}`,
      ...(failed ? { "exception.type": "httpx.ReadTimeout", "exception.stacktrace": STACK } : {}),
    },
    resource: {
      "service.name": i % 3 ? "trip-agent" : "tool-gateway",
      "service.version": "2.14.0",
      "host.name": "pod-7f9c",
    },
    service: i % 3 ? "trip-agent" : "tool-gateway",
    scope: { name: `agent.${type}`, version: "0.4.1" },
  };
}

const made = new Map();
function recordsOf(skeleton) {
  const known = made.get(skeleton.trace_id);
  if (known?.n === skeleton.runs.id.length) return known.logs;
  const logs = [];
  for (let i = 0; i < Math.min(400, skeleton.runs.id.length); i++)
    for (let n = 0; n < 1 + (i % 3); n++) logs.push(recordOf(skeleton, i, n));
  logs.sort((a, b) => a.time - b.time);
  made.set(skeleton.trace_id, { n: skeleton.runs.id.length, logs });
  return logs;
}

/** Records that belong to no trace, one every few seconds up to now. */
function loose(now) {
  const out = [];
  const last = Math.floor(now / 3e6);
  for (let n = 0; n < 1_500; n++) {
    const at = (last - n) * 3e6;
    const [level, severity] = n % 41 === 7 ? LEVELS[2] : LEVELS[1];
    out.push({
      id: hex(last - n),
      time: at,
      observed_time: null,
      trace_id: null,
      run_id: null,
      severity: n % 17 === 3 ? null : severity,
      severity_text: null,
      level: n % 17 === 3 ? null : level,
      event_name: null,
      body: level === "warn" ? "connection pool 94% in use" : `GET /healthz 200 ${(n * 7) % 19} ms`,
      attributes: { "http.route": "/healthz", "http.response.status_code": 200 },
      resource: { "service.name": "gateway" },
      service: "gateway",
      scope: { name: "uvicorn.access", version: null },
    });
  }
  return out;
}

const ORDER = ["trace", "debug", "info", "warn", "error", "fatal"];

export function logs(skeletons, q) {
  const now = Date.now() * 1000;
  const get = (name) => q.get(name) ?? "";
  const text = get("q").toLowerCase();
  const least = ORDER.indexOf(get("severity"));
  const all = [...skeletons.flatMap(recordsOf), ...loose(now)].filter(
    (log) =>
      log.time <= now &&
      (text === "" ||
        `${typeof log.body === "string" ? log.body : JSON.stringify(log.body)} ${log.event_name}`
          .toLowerCase()
          .includes(text)) &&
      (least < 0 || ORDER.indexOf(log.level) >= least) &&
      (get("service") === "" || log.service === get("service")) &&
      (get("trace") === "" || log.trace_id === get("trace")),
  );
  const turn = get("order") === "oldest" ? 1 : -1;
  all.sort((a, b) => turn * (a.time - b.time || (a.id < b.id ? -1 : 1)));
  return pageOf(all, q);
}

export const traceLogs = (skeleton, q) => pageOf(recordsOf(skeleton), q);

/** The mock's runs tell of no events but the errors of those that failed. */
export function traceEvents(skeleton) {
  const { runs, start_time: start, dict } = skeleton;
  const failed = runs.id.map((_, row) => row).filter((row) => runs.status[row] === 2);
  const events = failed.map((row) => ({
    run_id: runs.id[row],
    time: start + runs.start_us[row] + (runs.duration_us[row] ?? 0),
    name: "exception",
    attributes: { "exception.message": dict[runs.error[row]] ?? "failed" },
  }));
  return { events: events.toSorted((a, b) => a.time - b.time), total: events.length };
}

function pageOf(all, q) {
  const limit = Number(q.get("limit") ?? 100);
  const from = Number(q.get("cursor") ?? 0);
  const more = from + limit < all.length;
  return { logs: all.slice(from, from + limit), next_cursor: more ? String(from + limit) : null };
}

const METRICS = [
  [
    "gen_ai.client.operation.duration",
    "GenAI operation duration.",
    "s",
    "histogram",
    "cumulative",
    false,
    ["gen_ai.operation.name", "gen_ai.request.model", "error.type"],
  ],
  [
    "gen_ai.client.token.usage",
    "Number of input and output tokens used.",
    "{token}",
    "histogram",
    "cumulative",
    false,
    ["gen_ai.token.type", "gen_ai.request.model"],
  ],
  ["agent.tool.calls", "Tool calls made by agents.", "{call}", "sum", "cumulative", true, ["tool.name", "outcome"]],
  ["agent.queue.depth", "Jobs that wait.", "{job}", "gauge", null, false, ["queue"]],
  ["process.memory.usage", "Resident memory.", "By", "sum", "cumulative", false, []],
  [
    "http.server.request.duration",
    "Duration of HTTP server requests.",
    "s",
    "exponential_histogram",
    "delta",
    false,
    ["http.route", "http.response.status_code"],
  ],
  ["rpc.duration", null, "ms", "summary", null, false, ["rpc.method"]],
];
const FITS = {
  gauge: ["last", "avg", "min", "max"],
  sum: ["rate", "sum"],
  histogram: ["avg", "p50", "p95", "p99", "count", "rate", "sum", "min", "max"],
  exponential_histogram: ["avg", "p50", "p95", "p99", "count", "rate", "sum", "min", "max"],
  summary: ["avg", "p50", "p95", "p99", "count", "sum"],
};
const GROUPS = {
  "gen_ai.request.model": ["gpt-5-mini", "claude-sonnet-4-5", "claude-opus-4-1", "gemini-2.5-flash"],
  "gen_ai.token.type": ["input", "output"],
  "gen_ai.operation.name": ["chat", "embeddings", "execute_tool"],
  "tool.name": ["fx.convert", "hotels.search", "flights.search", "calculator", "sql.query"],
  outcome: ["ok", "failed"],
  service: ["trip-agent", "tool-gateway"],
};

export const metrics = () => ({
  metrics: METRICS.map(([name, description, unit, kind, temporality, monotonic, attribute_keys], i) => ({
    name,
    description,
    unit,
    kind,
    temporality,
    monotonic,
    points: 48_210 >> i,
    last_time: Date.now() * 1000 - i * 9e6,
    attribute_keys,
    services: ["trip-agent", "tool-gateway"],
  })),
});

const SPAN = { m: 60e6, h: 3600e6, d: 86_400e6 };

export function series(q) {
  const metric = METRICS.find(([name]) => name === q.get("name"));
  if (!metric) throw Object.assign(new Error(`no metric ${q.get("name")}`), { status: 404 });
  const [name, , unit, kind] = metric;
  const aggregations = FITS[kind];
  const agg = q.get("agg") ?? aggregations[0];
  const buckets = Number(q.get("buckets") ?? 60);
  const t = /^(\d+)([mhd])$/.exec(q.get("t") ?? "24h");
  const width = t ? Number(t[1]) * SPAN[t[2]] : 7 * 86_400e6;
  const by = q.get("group_by");
  const groups = by ? (GROUPS[by] ?? ["a", "b"]) : [null];
  const scale = { s: 2.4, ms: 240, By: 4e8, "{token}": 2100 }[unit] ?? 12;
  const factor = { p50: 0.8, p95: 2.1, p99: 3.4, max: 5, min: 0.2, count: 20, sum: 40, rate: 0.4 }[agg] ?? 1;
  return {
    name,
    unit,
    kind,
    agg,
    from: Math.floor((Date.now() * 1000 - width) / 1e6) * 1e6,
    bucket_us: Math.ceil(width / buckets),
    series: groups.map((group, g) => {
      const next = random(g + name.length);
      return {
        group,
        values: Array.from({ length: buckets }, (_, i) =>
          (i > buckets * 0.4 && i < buckets * 0.46) || (g === 2 && i < buckets * 0.3)
            ? null
            : scale * factor * (1 + 0.4 * Math.sin(i / 9 + g) + 0.5 * next()) * (1 - g * 0.16),
        ),
      };
    }),
    is_cut: false,
    aggregations,
  };
}
