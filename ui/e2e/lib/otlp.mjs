// Makes traces as OTLP in JSON with the attributes of the semantic conventions, and sends them.
import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";

const hex = (bytes) => randomBytes(bytes).toString("hex");

const value = (v) =>
  typeof v === "number"
    ? Number.isInteger(v)
      ? { intValue: String(v) }
      : { doubleValue: v }
    : typeof v === "boolean"
      ? { boolValue: v }
      : Array.isArray(v)
        ? { arrayValue: { values: v.map(value) } }
        : { stringValue: String(v) };

const attributes = (object) =>
  Object.entries(object)
    .filter(([, v]) => v !== undefined && v !== null)
    .map(([key, v]) => ({ key, value: value(v) }));

const nanos = (ms) => String(BigInt(Math.round(ms * 1000)) * 1000n);

export const message = (role, content) => ({ role, parts: [{ type: "text", content }] });

/**
 * One span. Times are milliseconds; `error` fails it.
 * @param {{ trace: string, id?: string, parent?: string, name: string, start: number, ms: number, error?: string, attrs?: object }} of
 */
export function span({ trace, id = hex(8), parent, name, start, ms, error, attrs = {} }) {
  return {
    traceId: trace,
    spanId: id,
    ...(parent ? { parentSpanId: parent } : {}),
    name,
    kind: 1,
    startTimeUnixNano: nanos(start),
    endTimeUnixNano: nanos(start + ms),
    attributes: attributes(attrs),
    status: error ? { code: 2, message: error } : { code: 1 },
    events: error
      ? [
          {
            timeUnixNano: nanos(start + ms),
            name: "exception",
            attributes: attributes({ "exception.type": error.split(":")[0], "exception.message": error }),
          },
        ]
      : [],
  };
}

const asUuid = (id) => `${id.slice(0, 8)}-${id.slice(8, 12)}-${id.slice(12, 16)}-${id.slice(16, 20)}-${id.slice(20)}`;

/** The id of a run, as the API writes it. */
export const runIdOf = (spanId) => `00000000-0000-0000-${spanId.slice(0, 4)}-${spanId.slice(4)}`;

/** An agent that calls a model and perhaps a tool. Returns the spans and the ids as the API writes them. */
export function agentTrace(options = {}) {
  const {
    name = "support-triage",
    question = "My invoice was charged twice",
    answer = "I have refunded the second charge.",
    model = "gpt-4o-mini",
    start = Date.now() - 2_000,
    ms = 1_500,
    error,
    tool,
    user,
    thread,
    tokens = [120, 40],
    attrs = {},
  } = options;
  const trace = hex(16);
  const root = hex(8);
  const shared = { "user.id": user, "session.id": thread };
  const [input, output] = [[message("user", question)], [message("assistant", answer)]].map((m) => JSON.stringify(m));
  const spans = [
    span({
      trace,
      id: root,
      name,
      start,
      ms,
      error,
      attrs: {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.input.messages": input,
        "gen_ai.output.messages": error ? undefined : output,
        ...shared,
        ...attrs,
      },
    }),
    span({
      trace,
      parent: root,
      name: `chat ${model}`,
      start: start + 10,
      ms: ms * 0.6,
      error: tool ? undefined : error,
      attrs: {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": model,
        "gen_ai.request.temperature": 0.2,
        "gen_ai.input.messages": input,
        "gen_ai.output.messages": error && !tool ? undefined : output,
        "gen_ai.usage.input_tokens": tokens[0],
        "gen_ai.usage.output_tokens": tokens[1],
      },
    }),
  ];
  if (tool)
    spans.push(
      span({
        trace,
        parent: root,
        name: `execute_tool ${tool}`,
        start: start + ms * 0.65,
        ms: ms * 0.3,
        error,
        attrs: { "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": tool },
      }),
    );
  return { spans, traceId: asUuid(trace), rootId: root };
}

/** A trace with about `count` runs: agents, steps, model calls and tools, some of them failed. */
export function bigTrace(count, { name = "big-agent", start = Date.now() - 700_000 } = {}) {
  const trace = hex(16);
  const root = hex(8);
  const spans = [];
  const perAgent = 500;
  let at = start;
  for (let agent = 0; spans.length < count - 1; agent++) {
    const agentId = hex(8);
    const agentStart = at;
    for (let step = 0; step < perAgent && spans.length < count - 2; step++) {
      const isTool = step % 5 === 4;
      const error = step % 97 === 96 ? "ToolError: the service answered 503" : undefined;
      spans.push(
        span({
          trace,
          parent: agentId,
          name: isTool ? `lookup_${step % 7}` : `chat step ${step}`,
          start: at,
          ms: 40,
          error,
          attrs: isTool
            ? { "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": `lookup_${step % 7}` }
            : {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "openai",
                "gen_ai.request.model": "gpt-4o-mini",
                "gen_ai.input.messages": JSON.stringify([message("user", `Step ${step} of agent ${agent}`)]),
                "gen_ai.output.messages": JSON.stringify([message("assistant", `Done with ${step}`)]),
                "gen_ai.usage.input_tokens": 200 + step,
                "gen_ai.usage.output_tokens": 20,
              },
        }),
      );
      at += 50;
    }
    spans.push(
      span({
        trace,
        id: agentId,
        parent: root,
        name: `agent ${agent}`,
        start: agentStart,
        ms: at - agentStart,
        attrs: { "gen_ai.operation.name": "invoke_agent" },
      }),
    );
  }
  spans.push(
    span({ trace, id: root, name, start, ms: at - start, attrs: { "gen_ai.operation.name": "invoke_agent" } }),
  );
  return { spans, traceId: asUuid(trace), rootId: root };
}

/** Sends spans and fails unless every one was taken. */
export async function send(url, spans, { project, service = "e2e", scope = "e2e", chunk = 2_000, resource = {} } = {}) {
  for (let from = 0; from < spans.length; from += chunk) {
    const body = JSON.stringify({
      resourceSpans: [
        {
          resource: { attributes: attributes({ "service.name": service, ...resource }) },
          scopeSpans: [{ scope: { name: scope }, spans: spans.slice(from, from + chunk) }],
        },
      ],
    });
    const response = await fetch(`${url}/v1/traces`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "content-encoding": "gzip",
        ...(project ? { "langsmith-project": project } : {}),
      },
      body: gzipSync(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`OTLP answered ${response.status}: ${text}`);
    const rejected = JSON.parse(text || "{}").partialSuccess?.rejectedSpans;
    if (rejected && rejected !== "0") throw new Error(`${rejected} spans were rejected: ${text}`);
  }
}

/**
 * One log record. `of.span` is a span as `span()` makes it.
 * @param {{ time: number, body?: unknown, severity?: number, text?: string, event?: string, span?: object, attrs?: object }} of
 */
export function logRecord({ time, body, severity, text, event, span: of, attrs = {} }) {
  return {
    timeUnixNano: nanos(time),
    observedTimeUnixNano: nanos(time),
    ...(severity ? { severityNumber: severity } : {}),
    ...(text ? { severityText: text } : {}),
    ...(event ? { eventName: event } : {}),
    ...(body === undefined ? {} : { body: anyValue(body) }),
    ...(of ? { traceId: of.traceId, spanId: of.spanId } : {}),
    attributes: attributes(attrs),
  };
}

/** Also objects, as bodies of log records have them. */
function anyValue(v) {
  if (v !== null && typeof v === "object" && !Array.isArray(v))
    return { kvlistValue: { values: Object.entries(v).map(([key, inner]) => ({ key, value: anyValue(inner) })) } };
  return value(v);
}

const temporality = { delta: 1, cumulative: 2 };

/** A metric: `points` are `{ time, value, attrs }`, of a histogram `{ time, values, attrs }`. Times are milliseconds. */
export function metric({ name, unit = "1", description, kind, of = "delta", points }) {
  const number = ({ time, value: v, attrs = {} }) => ({
    startTimeUnixNano: nanos(time - 1000),
    timeUnixNano: nanos(time),
    asDouble: v,
    attributes: attributes(attrs),
  });
  const shared = { name, unit, description };
  if (kind === "gauge") return { ...shared, gauge: { dataPoints: points.map(number) } };
  if (kind === "sum")
    return {
      ...shared,
      sum: { aggregationTemporality: temporality[of], isMonotonic: true, dataPoints: points.map(number) },
    };
  return {
    ...shared,
    histogram: { aggregationTemporality: temporality[of], dataPoints: points.map(histogramPoint) },
  };
}

const BOUNDS = [0.1, 0.2, 0.5, 1, 2, 5, 10];

function histogramPoint({ time, values, attrs = {} }) {
  const counts = Array.from({ length: BOUNDS.length + 1 }, () => 0);
  for (const v of values) counts[BOUNDS.filter((bound) => v > bound).length]++;
  return {
    startTimeUnixNano: nanos(time - 1000),
    timeUnixNano: nanos(time),
    count: String(values.length),
    sum: values.reduce((sum, v) => sum + v, 0),
    min: Math.min(...values),
    max: Math.max(...values),
    explicitBounds: BOUNDS,
    bucketCounts: counts.map(String),
    attributes: attributes(attrs),
  };
}

async function post(url, path, body, project) {
  const response = await fetch(url + path, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "content-encoding": "gzip",
      ...(project ? { "langsmith-project": project } : {}),
    },
    body: gzipSync(JSON.stringify(body)),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`OTLP answered ${response.status}: ${text}`);
  const { partialSuccess } = JSON.parse(text || "{}");
  const lost = Object.entries(partialSuccess ?? {}).find(
    ([name, count]) => name.startsWith("rejected") && Number(count) > 0,
  );
  if (lost) throw new Error(`${lost[1]} items were rejected: ${text}`);
}

const sender = (service) => ({ attributes: attributes({ "service.name": service }) });

/** Sends log records and fails unless every one was taken. */
export const sendLogs = (url, records, { project, service = "e2e" } = {}) =>
  post(
    url,
    "/v1/logs",
    { resourceLogs: [{ resource: sender(service), scopeLogs: [{ scope: { name: "e2e" }, logRecords: records }] }] },
    project,
  );

/** Sends metrics and fails unless every point was taken. */
export const sendMetrics = (url, metrics, { project, service = "e2e" } = {}) =>
  post(
    url,
    "/v1/metrics",
    { resourceMetrics: [{ resource: sender(service), scopeMetrics: [{ scope: { name: "e2e" }, metrics }] }] },
    project,
  );
