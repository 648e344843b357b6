// Payloads on demand: what GET /traces/{id}/runs/{id} answers for a run of a mock trace.
import { MODELS } from "./recorder.mjs";
import { random } from "./random.mjs";

const SYSTEM =
  "You are a meticulous travel-planning agent. Work step by step, call tools for every fact, and never invent prices.\n\n- Quote all amounts in EUR.\n- Stop when `budget_check` passes.\n- Return an `Itinerary@v7` object.";
const ANSWER =
  "The FX service is down, so I can't convert live. I'll fall back to the **cached ECB rate** from the planning step and add a safety margin.\n\nWith rate $r = 0.00612$ EUR/JPY and margin $m = 3\\%$, the worst-case total is\n\n$$T = \\sum_{d=1}^{4} p_d \\cdot r \\,(1 + m) \\approx 968$$\n\n| Option | Per night | 4 nights | Fits budget |\n|---|---|---|---|\n| Nishiyama Ryokan | €242 | €968 | yes |\n| Cross Hotel | €171 | €684 | yes |\n| The Thousand | €401 | €1 604 | **no** |\n\nI'll verify the remaining budget before booking. See <script>alert(1)</script> and [the rates](https://example.org/rates):\n\n```python\nremaining = budget.total_eur - spent_eur(flights, activities)\nassert remaining >= 968, \"over budget\"  # hold, do not book\n```";
const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAYAAAAf8/9hAAAAKElEQVR42mNk+M9Qz0BFwMgwasCoAaMGjBowasCoAaMGjBowasBwMAAAoeQD8QqEwq0AAAAASUVORK5CYII=";

export const PREVIEWS = [
  "Checking the remaining budget before booking anything",
  "Found 6 options, 4 are refundable",
  "I need the transfer time between Kyoto and Uno port",
  "Comparing total cost for two travellers",
  "The ryokan price excludes city tax",
];

export function messages(i, rounds) {
  const r = random(i + 5);
  const list = [
    { role: "system", content: SYSTEM },
    {
      role: "user",
      content:
        "Plan a 9-day trip to Kyoto and Naoshima for two in late November. Budget 4 200 EUR all in, vegetarian, no red-eye flights.",
    },
  ];
  for (let k = 0; k < rounds; k++) {
    const id = `call_${k}_${(i % 97).toString(36)}`;
    const fx = k === rounds - 2;
    const name = fx ? "fx.convert" : "hotels.search";
    const args = fx ? { amount: 38400, from: "JPY", to: "EUR" } : { city: "Kyoto", nights: 4, page: k };
    list.push({
      role: "assistant",
      content: PREVIEWS[k % PREVIEWS.length],
      tool_calls: [{ id, name, arguments: args }],
    });
    const content = fx
      ? JSON.stringify({
          error: "ToolError",
          message: "fx.convert failed after 3 attempts",
          cause: "ReadTimeout: no response within 4000 ms",
          attempts: 3,
        })
      : JSON.stringify({
          city: "Kyoto",
          nights: 4,
          results: Array.from({ length: 6 }, (_, q) => ({
            id: `htl_${q}`,
            name: ["Nishiyama Ryokan", "Cross Hotel", "The Thousand"][q % 3],
            jpy_per_night: 18_000 + Math.floor(r() * 52_000),
            refundable: r() > 0.4,
          })),
          next_page: null,
        });
    list.push({ role: "tool", name, tool_call_id: id, content });
  }
  return list;
}

export function run(skeleton, i) {
  const c = skeleton.runs;
  const word = (index) => (index < 0 ? null : skeleton.dict[index]);
  const type = word(c.type[i]);
  const model = MODELS.find((item) => item.name === word(c.model[i]));
  const start = skeleton.start_time + c.start_us[i];
  const rounds = type === "llm" ? Math.min(24, 2 + Math.floor((c.input_tokens[i] ?? 0) / 3000)) : 0;
  const dollars = (nano) => (nano === null ? null : (nano / 1e9).toFixed(9).replace(/0+$/, "").replace(/\.$/, ""));
  const out = model && c.cost[i] !== null ? Math.round((c.output_tokens[i] ?? 0) * model.pout * 1000) : null;
  const unpriced = word(c.unpriced[i]);
  return {
    run_id: c.id[i],
    trace_id: skeleton.trace_id,
    parent_run_id: c.parent[i] < 0 ? null : c.id[c.parent[i]],
    project: skeleton.project,
    span_id: c.id[i].replaceAll("-", "").slice(16),
    name: word(c.name[i]),
    feedback: [],
    run_type: type,
    status: ["pending", "success", "error"][c.status[i]],
    error:
      word(c.error[i]) && `${word(c.error[i])}\n  at call_tool (agent/tools.py:214)\n  at run_step (agent/loop.py:88)`,
    error_type: word(c.error[i])?.split(":")[0] ?? null,
    start_time: start,
    end_time: c.duration_us[i] === null ? null : start + c.duration_us[i],
    first_token_time: c.first_token_us[i] === null ? null : start + c.first_token_us[i],
    latency_us: c.duration_us[i],
    ...io(skeleton, i, type, rounds),
    shared_prefix: type === "llm" ? Math.max(0, rounds * 2 - 2) : 0,
    invocation_params:
      type === "llm"
        ? {
            model: word(c.model[i]),
            temperature: 0.2,
            max_tokens: 4096,
            seed: 9007199254740992,
            stop: ["</done>"],
            tools: ["hotels.search", "fx.convert", "sql.query"].map((name) => ({
              type: "function",
              function: {
                name,
                description: `Calls ${name}`,
                parameters: { type: "object", properties: { city: { type: "string" } } },
              },
            })),
          }
        : null,
    model: word(c.model[i]),
    provider: model?.provider ?? null,
    usage: model
      ? {
          input_tokens: c.input_tokens[i],
          output_tokens: c.output_tokens[i],
          total_tokens: (c.input_tokens[i] ?? 0) + (c.output_tokens[i] ?? 0),
          input_details: { cache_read: c.cached_tokens[i] ?? 0 },
          output_details: {},
        }
      : null,
    cost: model
      ? {
          input: out === null ? null : dollars(c.cost[i] - out),
          output: dollars(out),
          total: dollars(c.cost[i]),
          details: {},
          source: unpriced
            ? { kind: "unpriced", reason: unpriced }
            : { kind: "priced", price_id: `${model.provider}/${model.name}@2025-09` },
        }
      : null,
    thread_id: skeleton.thread_id,
    user_id: skeleton.user_id,
    tags: skeleton.tags,
    metadata: { plan: "pro", prompt_version: 14 },
    attributes: {
      "http.route": "/v1/plan",
      "gen_ai.system_fingerprint": "fp_44709d6fcb",
      "vendor.trace.sampled": true,
      "acme.llm.prompt.tokens": 2140,
      "acme.flag.new_search": "on",
    },
    resource: {
      "service.name": "trip-planner",
      "service.version": "2.14.0",
      "host.name": "ip-10-2-0-17",
      "telemetry.sdk.name": "opentelemetry",
    },
    events:
      c.status[i] === 2
        ? [
            {
              time: start + (c.duration_us[i] ?? 0),
              name: "exception",
              attributes: {
                "exception.type": word(c.error[i])?.split(":")[0],
                "exception.message": word(c.error[i]),
                "exception.stacktrace":
                  'Traceback (most recent call last):\n  File "agent/tools.py", line 214, in call_tool',
              },
            },
          ]
        : [],
    links:
      i === 0
        ? [
            {
              trace_id: skeleton.trace_id,
              span_id: c.id[Math.min(3, c.id.length - 1)].replaceAll("-", "").slice(16),
              attributes: { reason: "retry of" },
            },
          ]
        : [],
    service: "trip-planner",
    release: "2.14.0",
    environment: "production",
    dialect: c.double_of[i] >= 0 ? "traceloop" : "openinference",
    scope:
      c.double_of[i] >= 0
        ? { name: "opentelemetry.instrumentation.openai", version: "0.47.1" }
        : { name: "openinference.instrumentation.langchain", version: "0.1.43" },
    issues:
      i === 0
        ? [
            { kind: "unusable", field: "llm.token_count.prompt", message: 'expected an integer, got "n/a"' },
            { kind: "conflict", field: "gen_ai.request.model", message: "a stronger source tells another model" },
          ]
        : [],
    sources: sourcesOf(type, model !== undefined && model !== null, c.status[i] === 2),
    double_of: (c.double_of[i] ?? -1) < 0 ? null : c.id[c.double_of[i]],
    doubles: c.id.filter((_, k) => c.double_of[k] === i),
    is_transport: c.transport[i] === 1,
    dotted_order: null,
    received_at: start + 2_000_000,
  };
}

function sourcesOf(type, called, failed) {
  return {
    name: "span:name",
    run_type: "openinference.span.kind",
    thread_id: "session.id",
    user_id: "user.id",
    tags: "tag.tags",
    service: "resource:service.name",
    release: "resource:service.version",
    environment: "resource:deployment.environment.name",
    "metadata.plan": "metadata#plan",
    "metadata.prompt_version": "rule:prompt versions:acme.prompt.version",
    ...(failed ? { error: "event:exception", error_type: "event:exception" } : {}),
    ...(called
      ? {
          model: "llm.model_name",
          provider: "llm.provider",
          "inputs.messages": "llm.input_messages.*",
          "outputs.messages": "llm.output_messages.*",
          "usage.input_tokens": "llm.token_count.prompt",
          "usage.output_tokens": "llm.token_count.completion",
          "usage.total_tokens": "llm.token_count.total",
          "usage.input_details.cache_read": "llm.token_count.prompt_details.cache_read",
          "invocation_params.temperature": "llm.invocation_parameters#temperature",
          "invocation_params.max_tokens": "llm.invocation_parameters#max_tokens",
          "invocation_params.seed": "llm.invocation_parameters#seed",
          first_token_time: "event:first_token",
        }
      : { inputs: "input.value", outputs: "output.value" }),
    ...(type === "retriever" ? { "outputs.documents": "retrieval.documents.*" } : {}),
  };
}

function io(skeleton, i, type, rounds) {
  const none = { messages: [], rest: null };
  const failed = skeleton.runs.status[i] === 2;
  if (type === "llm")
    return {
      inputs: {
        messages:
          i % 5 === 1
            ? [
                ...messages(i, rounds),
                {
                  role: "user",
                  content: [
                    { type: "text", text: "And this is the map." },
                    { type: "image", data: PIXEL, mime_type: "image/png" },
                    { type: "image", url: "https://example.org/map.png" },
                  ],
                },
              ]
            : messages(i, rounds),
        rest: null,
      },
      outputs:
        skeleton.runs.status[i] === 0
          ? none
          : {
              messages: [
                {
                  role: "assistant",
                  content: [
                    {
                      type: "reasoning",
                      text: "The tool failed three times. The cached rate is from this morning, so it is good enough with a margin.",
                    },
                    { type: "text", text: ANSWER },
                  ],
                  tool_calls: [
                    {
                      id: "call_9fQ2",
                      name: "sql.query",
                      arguments: {
                        statement: "select sum(amount_eur) from trip_spend where trip_id = $1",
                        params: ["trp_01J9X4"],
                        timeout_ms: 4000,
                      },
                    },
                  ],
                  finish_reason: "tool_calls",
                },
              ],
              rest: null,
            },
    };
  if (type === "retriever")
    return {
      inputs: { messages: [], rest: { query: "vegetarian ryokan kyoto november availability", k: 3 } },
      outputs: {
        messages: [],
        rest: {
          documents: [0, 1, 2].map((k) => ({
            id: `doc_${k}`,
            score: 0.91 - k * 0.07,
            page_content: `Nishiyama Ryokan serves a full shojin ryori menu.\n\nRooms from ¥38,400 a night in November; cancellation is free until seven days before.`,
            metadata: { source: `guide/kyoto-${k}.md`, page: k + 3 },
          })),
        },
      },
    };
  return {
    inputs: {
      messages: [],
      rest: { amount: 38_400, from: "JPY", to: "EUR", as_of: "2026-11-20", idempotency_key: "fx_9a41c2" },
    },
    outputs: failed
      ? none
      : {
          messages: [],
          rest: {
            ok: true,
            rate: 0.00612,
            items: Array.from({ length: 5 }, (_, k) => ({ k, note: "The ryokan price excludes city tax. ".repeat(3) })),
          },
        },
  };
}
