// A development server with made-up traces, so that the UI can be worked on without the real one. Never shipped.
import { createServer } from "node:http";
import { gzipSync } from "node:zlib";
import { facets, histogram, page, stats } from "./mock/lists.mjs";
import { PREVIEWS, run } from "./mock/payload.mjs";
import {
  createRule,
  deleteRule,
  listRemaps,
  listRules,
  orderRules,
  startRemap,
  testRule,
  updateRule,
} from "./mock/rules.mjs";
import { logs, metrics, series, traceEvents, traceLogs } from "./mock/telemetry.mjs";
import { rag, running, tripPlanner } from "./mock/traces.mjs";
import { verdict } from "./mock/verdict.mjs";

const port = Number(process.env.MOCK_PORT ?? 4318);
const project = { id: "018f2a90-0000-7000-a000-000000000001", name: "acme-travel" };
const now = Date.now() * 1000;
const who = { project, user: "usr_20418", thread: "thr_7Hq2LmZ" };
const big = Number(process.env.MOCK_RUNS ?? 10_000);
const skeletons = [
  tripPlanner(big, 7, { ...who, start: now - 3_600_000_000, tags: ["beta"] }),
  tripPlanner(160, 11, { ...who, start: now - 7_200_000_000 }),
  rag(21, { ...who, start: now - 60_000_000 }),
  rag(22, { ...who, start: now - 90_000_000, orphan: [0] }, true),
  running(31, { ...who, start: now - 12_000_000 }),
];
const byId = new Map(skeletons.map((skeleton) => [skeleton.trace_id, skeleton]));
const listeners = new Set();

const routes = [
  [
    "GET",
    /^\/info$/,
    () => ({
      version: "0.0.0-mock",
      auth: "open",
      http_url: `http://127.0.0.1:${port}`,
      grpc_url: "http://127.0.0.1:4317",
      workspace: { id: project.id, name: "default" },
    }),
  ],
  [
    "GET",
    /^\/projects$/,
    () => ({
      projects: [
        { ...project, created_at: now - 9e12, last_run_at: now - 1e6, trace_count: 4242 },
        { id: "x", name: "demo", created_at: now - 9e12, last_run_at: null, trace_count: 0 },
      ],
    }),
  ],
  ["GET", /^\/projects\/[^/]+$/, () => ({ ...project, created_at: now - 9e12, last_run_at: now, trace_count: 4242 })],
  ["GET", /^\/projects\/[^/]+\/traces$/, (q) => page(skeletons, q)],
  ["GET", /^\/projects\/[^/]+\/runs$/, () => ({ runs: runsOf(skeletons[2]), next_cursor: null })],
  ["GET", /^\/projects\/[^/]+\/traces\/histogram$/, (q) => histogram(q)],
  ["GET", /^\/projects\/[^/]+\/traces\/facets$/, () => facets()],
  ["GET", /^\/projects\/[^/]+\/stats$/, () => stats()],
  ["GET", /^\/traces\/([^/]+)$/, (_, id) => find(id)],
  ["GET", /^\/traces\/([^/]+)\/verdict$/, (_, id) => verdict(find(id))],
  ["GET", /^\/traces\/([^/]+)\/search$/, (q, id) => search(find(id), q.get("text") ?? "")],
  ["POST", /^\/traces\/([^/]+)\/previews$/, (_, id, __, body) => previews(find(id), body.run_ids)],
  ["GET", /^\/traces\/([^/]+)\/runs\/([^/]+)$/, (_, id, runId) => run(find(id), find(id).runs.id.indexOf(runId))],
  ["GET", /^\/traces\/([^/]+)\/logs$/, (q, id) => traceLogs(find(id), q)],
  ["GET", /^\/traces\/([^/]+)\/events$/, (q, id) => traceEvents(find(id))],
  ["GET", /^\/projects\/[^/]+\/logs$/, (q) => logs(skeletons, q)],
  ["GET", /^\/projects\/[^/]+\/metrics$/, () => metrics()],
  ["GET", /^\/projects\/[^/]+\/metrics\/series$/, (q) => series(q)],
  ["GET", /^\/ingest\/diagnostics$/, () => ({ events: [] })],
  ["GET", /^\/mapping-rules$/, () => listRules()],
  ["POST", /^\/mapping-rules$/, (_, __, ___, body) => createRule(body)],
  ["PUT", /^\/mapping-rules\/order$/, (_, __, ___, body) => orderRules(body.ids)],
  ["PUT", /^\/mapping-rules\/([^/]+)$/, (_, id, __, body) => updateRule(id, body)],
  ["DELETE", /^\/mapping-rules\/([^/]+)$/, (_, id) => deleteRule(id)],
  [
    "POST",
    /^\/mapping-rules\/test$/,
    (_, __, ___, body) => {
      const trace = find(body.trace_id);
      return testRule(body, run(trace, trace.runs.id.indexOf(body.run_id)));
    },
  ],
  ["GET", /^\/remap$/, () => listRemaps()],
  ["POST", /^\/remap$/, (_, __, ___, body) => startRemap(body)],
  [
    "POST",
    /^\/demo$/,
    () => ({ project: project.name, trace_ids: [...byId.keys()], featured_trace_id: skeletons[0].trace_id }),
  ],
];

const runsOf = ({ trace_id, start_time, dict, runs }) =>
  runs.id.map((run_id, i) => ({
    run_id,
    trace_id,
    name: dict[runs.name[i]],
    run_type: dict[runs.type[i]],
    model: dict[runs.model[i]] ?? null,
    start_time: start_time + runs.start_us[i],
  }));

function find(id) {
  const skeleton = byId.get(id);
  if (!skeleton) throw Object.assign(new Error(`no trace ${id}`), { status: 404 });
  return skeleton;
}

function search(skeleton, text) {
  const needle = text.toLowerCase();
  const c = skeleton.runs;
  return { run_ids: c.id.filter((_, i) => skeleton.dict[c.type[i]] === "tool" && i % 7 === 0 && needle.length > 0) };
}

function previews(skeleton, ids) {
  const at = new Map(skeleton.runs.id.map((id, i) => [id, i]));
  const one = (id) => {
    const type = skeleton.dict[skeleton.runs.type[at.get(id)]];
    const output = type === "llm" ? PREVIEWS[at.get(id) % PREVIEWS.length] : null;
    return { input: type === "tool" ? '{"city":"Kyoto","nights":4}' : null, output };
  };
  return { previews: Object.fromEntries(ids.map((id) => [id, one(id)])) };
}

function sse(res) {
  res.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  res.write("event: ping\ndata: {}\n\n");
  listeners.add(res);
  res.on("close", () => listeners.delete(res));
}

createServer((req, res) => {
  const url = new URL(req.url, "http://mock");
  const path = url.pathname.replace(/^\/api\/clearspan\/v1/, "");
  if (path === "/events") return sse(res);
  const chunks = [];
  req.on("data", (chunk) => chunks.push(chunk));
  req.on("end", () => {
    let status = 200;
    let answer;
    try {
      const route = routes.find(([method, pattern]) => method === req.method && pattern.test(path));
      if (!route) throw Object.assign(new Error(`no endpoint ${req.method} ${path}`), { status: 404 });
      const [, a, b] = route[1].exec(path);
      answer = route[2](url.searchParams, a, b, chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString()) : {});
    } catch (error) {
      status = error.status ?? 500;
      answer = {
        error: {
          code: error.code ?? (status === 404 ? "not_found" : "internal"),
          message: error.message,
          pointer: error.pointer,
          request_id: "mock",
        },
      };
    }
    res.writeHead(status, { "content-type": "application/json", "content-encoding": "gzip" });
    res.end(gzipSync(JSON.stringify(answer ?? null)));
  });
}).listen(port, "127.0.0.1", () => {
  console.log(`mock on http://127.0.0.1:${port}`);
  for (const skeleton of skeletons)
    console.log(
      `  /app/p/${project.name}/traces/${skeleton.trace_id}  ${skeleton.name}, ${skeleton.runs.id.length} runs`,
    );
});
let steps = 1;
setInterval(() => {
  skeletons[4] = running(31, { ...who, start: now - 12_000_000 }, ++steps);
  byId.set(skeletons[4].trace_id, skeletons[4]);
  for (const res of listeners)
    res.write(`event: traces\ndata: ${JSON.stringify({ trace_ids: [skeletons[4].trace_id] })}\n\n`);
}, 5000);
