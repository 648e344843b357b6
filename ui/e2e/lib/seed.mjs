// One project with something on every page: traces, a thread, logs, a metric, a dataset with experiments, a queue,
// versions of a prompt, a rule and shared links.
import { randomUUID } from "node:crypto";
import { caller, chatPrompt, experimentRun } from "./langsmith.mjs";
import { agentTrace, logRecord, metric, runIdOf, send, sendLogs, sendMetrics } from "./otlp.mjs";

const PROJECT = "shop";
const MINUTE = 60_000;

/** Fills an empty server; answers the ids that addresses of pages need. */
export async function seedAll(server) {
  const call = caller(server);
  const failed = await traces(server);
  const runId = runIdOf(failed.rootId);
  await signals(server, failed);
  await call("POST", "/feedback", {
    run_id: runId,
    trace_id: failed.traceId,
    key: "helpful",
    score: 0,
    comment: "Nothing was booked",
  });
  await versions(call);
  const rule = { name: "Model of our gateway", attribute: "acme.model", field: "model", enabled: true };
  await call("POST", "/clearspan/v1/mapping-rules", rule);
  const scale = { type: "continuous", min: 0, max: 5 };
  await call("POST", "/feedback-configs", { feedback_key: "tone", feedback_config: scale });
  return {
    project: PROJECT,
    trace: failed.traceId,
    call: runIdOf(failed.spans[1].spanId),
    queue: await queue(call, runId),
    sharedRun: (await call("PUT", `/runs/${runId}/share`, { run_id: runId })).share_token,
    ...(await evaluated(call)),
  };
}

async function traces(server) {
  const now = Date.now();
  const plain = Array.from({ length: 12 }, (_, i) =>
    agentTrace({ question: `Question number ${i}`, start: now - (i + 3) * MINUTE, user: `user-${i % 3}` }),
  );
  const turn = (of) => agentTrace({ name: "trip-planner", thread: "kyoto", user: "usr_20418", ...of });
  const failed = turn({
    question: "Just book it",
    tool: "fx.convert",
    error: "ToolError: fx.convert timed out",
    start: now - 2 * MINUTE,
  });
  const turns = [
    turn({ question: "Plan nine days in Kyoto", answer: "Four nights, **then** Naoshima.", start: now - 9 * MINUTE }),
    turn({ question: "What about the ryokan?", answer: "Booked.", tool: "hotels.search", start: now - 6 * MINUTE }),
    failed,
  ];
  await send(
    server.url,
    [...plain, ...turns].flatMap(({ spans }) => spans),
    { project: PROJECT },
  );
  return failed;
}

/** Logs of the failed trace, and a metric. */
async function signals(server, failed) {
  const now = Date.now();
  const [top, , tool] = failed.spans;
  const at = (severity, body, span, attrs) => logRecord({ time: now - 2 * MINUTE, severity, body, span, attrs });
  await sendLogs(
    server.url,
    [
      at(9, "planning begins", top),
      at(13, "rate service is slow", tool, { attempt: 2 }),
      at(17, { outcome: "gave up", tries: 3 }, tool),
      at(5, "GET /healthz"),
    ],
    { project: PROJECT, service: "planner" },
  );
  const points = Array.from({ length: 30 }, (_, i) =>
    ["convert_currency", "search_hotels"].map((name, k) => ({
      time: now - (30 - i) * MINUTE,
      value: 3 + k,
      attrs: { "tool.name": name },
    })),
  ).flat();
  const calls = { name: "agent.tool.calls", unit: "{call}", description: "Tool calls made by agents.", kind: "sum" };
  await sendMetrics(server.url, [metric({ ...calls, points })], { project: PROJECT, service: "planner" });
}

async function queue(call, runId) {
  const { id } = await call("POST", "/annotation-queues", { name: "Weekly review", description: "Drawn on Monday." });
  await call("POST", `/annotation-queues/${id}/runs`, [runId]);
  return id;
}

async function versions(call) {
  await call("POST", "/repos", { repo_handle: "reply", description: "Answers customers", tags: ["chat"] });
  for (const sentences of ["four", "three"]) {
    const manifest = chatPrompt(`Be kind to {customer} in ${sentences} sentences.`);
    await call("POST", "/commits/-/reply", { manifest, description: `In ${sentences} sentences` });
  }
}

/** A dataset with two experiments that differ, shared. */
async function evaluated(call) {
  const dataset = (await call("POST", "/datasets", { name: "answers", description: "Questions of customers" })).id;
  const examples = Array.from({ length: 4 }, (_, n) => ({
    id: randomUUID(),
    dataset_id: dataset,
    inputs: { question: `Where is order ${n}?` },
    outputs: { answer: "Refunds take 5 days" },
    metadata: { topic: "refunds" },
    split: n % 2 === 0 ? "test" : "train",
  }));
  await call("POST", "/examples/bulk", examples);
  const experiments = [
    await experiment(call, dataset, "before", examples, () => 0.5),
    await experiment(call, dataset, "after", examples, (n) => [1, 0, 0.5, null][n]),
  ];
  const { share_token } = await call("PUT", `/datasets/${dataset}/share`, { dataset_id: dataset });
  return { dataset, example: examples[0].id, experiments, sharedDataset: share_token };
}

/** As `evaluate()` leaves it: a run and a score for each example; null = the run failed. */
async function experiment(call, dataset, name, examples, scoreOf) {
  const { id } = await call("POST", "/sessions", { name, reference_dataset_id: dataset });
  const runs = examples.map((example, n) => {
    const error = scoreOf(n) === null ? "RateLimitError: 429" : undefined;
    return experimentRun(name, example, { answer: `Refunds take ${name} 5 days` }, error);
  });
  await call("POST", "/runs/batch", { post: runs });
  for (const [n, run] of runs.entries())
    if (scoreOf(n) !== null)
      await call("POST", "/feedback", {
        run_id: run.id,
        trace_id: run.id,
        session_id: id,
        key: "correct",
        score: scoreOf(n),
      });
  return id;
}
