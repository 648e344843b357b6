// LangSmith's JavaScript client: three turns of two conversations are judged, and all of it is read back.
//
// Arguments: the project, the release (`new` or `old`), and the filters to ask for as JSON, each a list of arguments.
import { randomUUID } from "node:crypto";
import { Client } from "langsmith";
import { traceable } from "langsmith/traceable";
import { all, refusal, report } from "./langsmith_shared.mjs";

const [project, release, filters] = process.argv.slice(2);
const projectName = project;
const client = new Client();

const call = traceable(
  async (question) => ({
    role: "assistant",
    content: `about ${question}`,
    usage_metadata: { input_tokens: 20000, output_tokens: 7, total_tokens: 20007 },
  }),
  { client, name: "ChatAnthropic", run_type: "llm", metadata: { ls_provider: "anthropic", ls_model_name: "claude" } },
);
const rewrite = traceable(async (question) => [{ page_content: question }], {
  client,
  name: "QueryRewrite",
  run_type: "retriever",
});
const rerank = traceable(
  async (question) => {
    await rewrite(question);
    return { triage: { decision: question.includes("refund") ? "escalate" : "wait" } };
  },
  { client, name: "Rerank" },
);

/** One turn; the last one fails. */
async function support(question, thread, plan, tag) {
  const metadata = { conversation_id: thread, plan, environment: "staging", tenant: "t1" };
  const turn = traceable(
    async () => {
      await rerank(question);
      const answer = await call(question);
      if (thread === "conv-43") throw new RangeError("no calendar for Sunday");
      return { answer: answer.content };
    },
    { client, name: "support", project_name: project, metadata, tags: [tag] },
  );
  await turn(question).catch(() => {});
}

async function feedbackOf(runIds, more = {}) {
  return all(client.listFeedback({ runIds, ...more }));
}

/** Feedback of every kind. */
async function judge([first, second, third]) {
  const config = { type: "categorical", categories: [{ value: 1, label: "ok" }, { value: 0, label: "bad" }] };
  await client.createFeedback(first.id, "stars", { score: 5 });
  await client.createFeedback(first.id, "ok", { score: true, feedbackConfig: config });
  await client.createFeedback(first.id, "class", { value: "refund", comment: "clear" });
  await client.createFeedback(first.id, "shape", {
    value: { a: [1] },
    correction: { answer: "x" },
    feedbackSourceType: "model",
    sourceRunId: randomUUID(),
  });
  await client.createFeedback(first.id, "thumb", { score: 1 });
  await client.createFeedback(second.id, "stars", { score: 2 });
  await client.createFeedback(third.id, "Faithfulness", { score: 0, comment: "broken" });
  await client.createFeedback(null, "summary", { score: 0.9, projectId: first.session_id });
  if (release === "new") {
    // With the trace's id it goes in the background, as a part of what brings runs.
    const { id: runId, trace_id: traceId, session_id: sessionId, start_time: startTime } = second;
    await client.createFeedback({ runId, traceId, sessionId, startTime, key: "batched", score: 0.25 });
    await client.awaitPendingTraceBatches();
  }
}

/** Feedback about a run that is only sent afterwards. */
async function judgeEarly() {
  const id = randomUUID();
  const projectName = `${project}-late`;
  await client.createFeedback(id, "early", { score: 1 });
  await client.createRun({ id, name: "late", run_type: "tool", inputs: {}, project_name: projectName });
  await client.awaitPendingTraceBatches();
  const run = await client.readRun(id);
  const { feedback_stats } = await client.readProject({ projectName, includeStats: true });
  return { run: run.feedback_stats.early.n, project: feedback_stats.early?.n ?? 0 };
}

async function readFeedback([first]) {
  const listed = Object.fromEntries((await feedbackOf([first.id])).map((one) => [one.key, one]));
  const bySource = await feedbackOf([first.id], { feedbackSourceTypes: ["model"] });
  const byKey = await feedbackOf([first.id], { feedbackKeys: ["stars"] });
  return {
    scores: Object.fromEntries(Object.entries(listed).map(([key, one]) => [key, one.score ?? null])),
    class: [listed.class.value, listed.class.comment],
    shape: [listed.shape.value, listed.shape.correction, listed.shape.feedback_source.type],
    bySource: bySource.map((one) => one.key),
    byKey: byKey.map((one) => one.key),
  };
}

async function changeFeedback([first]) {
  const made = await client.createFeedback(first.id, "temporary", { score: 1 });
  await client.updateFeedback(made.id, { score: 0.5, comment: "less" });
  const { score, comment } = await client.readFeedback(made.id);
  await client.deleteFeedback(made.id);
  return { score, comment, gone: await refusal(client.readFeedback(made.id)) };
}

/** Tokens with which someone without a key may judge, as a page in a browser does. */
async function presigned([, second]) {
  const token = await client.createPresignedFeedbackToken(second.id, "thumbs", { expiration: { hours: 1 } });
  const body = JSON.stringify({ score: 1, comment: "by link" });
  const sent = await fetch(token.url, { method: "POST", headers: { "content-type": "application/json" }, body });
  const expiration = "2999-12-31T00:00:00Z";
  const clicked = await client.createPresignedFeedbackToken(second.id, "clicked", { expiration });
  const visited = await fetch(`${clicked.url}?score=0.5`);
  const tokens = await all(client.listPresignedFeedbackTokens(second.id));
  const given = await feedbackOf([second.id], { feedbackKeys: ["thumbs", "clicked"] });
  return {
    statuses: [sent.ok, visited.ok],
    tokens: tokens.map((each) => each.id).sort().join() === [token.id, clicked.id].sort().join(),
    given: given.map((one) => [one.key, one.score, one.comment ?? null]).sort(),
  };
}

async function configs() {
  const feedbackKey = `accuracy-${project}`;
  await client.createFeedbackConfig({ feedbackKey, feedbackConfig: { type: "continuous", min: 0, max: 1 } });
  const [listed] = await all(client.listFeedbackConfigs({ feedbackKeys: [feedbackKey] }));
  const changed = await client.updateFeedbackConfig(feedbackKey, { isLowerScoreBetter: true });
  await client.deleteFeedbackConfig(feedbackKey);
  const left = await all(client.listFeedbackConfigs({ feedbackKeys: [feedbackKey] }));
  return { max: listed.feedback_config.max, lower: changed.is_lower_score_better, left };
}

async function categories() {
  const feedbackKey = `mood-${project}`;
  const known = [{ value: 1, label: "good" }, { value: 0, label: "bad" }];
  await client.createFeedbackConfig({ feedbackKey, feedbackConfig: { type: "categorical", categories: known } });
  await client.addFeedbackCategories(feedbackKey, [{ value: 2, label: "great" }]);
  await client.removeFeedbackCategories(feedbackKey, [0]);
  const [config] = await all(client.listFeedbackConfigs({ feedbackKeys: [feedbackKey] }));
  return config.feedback_config.categories;
}

/** Lists of the second version of the API. */
async function lists([first]) {
  const statusOrNames = async (list) => {
    const found = await all(list).catch((refused) => refused);
    return found instanceof Error ? found.status : found.map((each) => each.name);
  };
  return {
    sessions: await statusOrNames(client.sessions.listV2({ name: project })),
    datasets: await statusOrNames(client.datasets.listV2({ name: project })),
    session: await client.sessions.retrieve(first.session_id).then((one) => one.name, (refused) => refused.status),
  };
}

async function names(asked) {
  return (await all(client.listRuns({ projectName, ...asked }))).map((run) => run.name).sort();
}

/** What each way of asking for runs finds. */
async function readRuns([first, second]) {
  const root = await client.readRun(first.id, { loadChildRuns: true });
  const nameTree = (run) => ({ [run.name]: (run.child_runs ?? []).map(nameTree) });
  const some = { isRoot: true, order: "asc", select: ["name", "tags"], limit: 2 };
  const selected = await all(client.listRuns({ projectName, ...some }));
  const stats = await client.getRunStats({ projectNames: [project], runType: "llm" });
  const groups = await all(client.listGroupRuns({ projectName, groupBy: "conversation" }));
  return {
    tree: nameTree(root),
    root: [root.status, root.inputs, root.outputs, root.tags, root.extra.metadata.plan],
    stars: root.feedback_stats.stars.avg,
    missing: await refusal(client.readRun("00000000-0000-4000-8000-000000000000")),
    byId: await names({ id: [first.id, second.id] }),
    byTrace: await names({ traceId: first.trace_id }),
    byParent: await names({ parentRunId: first.id }),
    failed: await names({ error: true, isRoot: true }),
    searched: await names({ runType: "llm", query: "refund" }),
    recent: await names({ startTime: new Date(Date.now() + 3_600_000) }),
    selected: selected.map((run) => [run.name, run.tags, "inputs" in run]),
    stats: [stats.run_count, stats.prompt_tokens, stats.completion_tokens],
    groups: groups.map((group) => [group.group_key, group.count, group.total_tokens]).sort(),
    filters: await Promise.all(JSON.parse(filters).map(names)),
  };
}

/** More runs than one page has, to the last one. */
async function readMany() {
  const many = `${project}-many`;
  const traceIds = Array.from({ length: 1100 }, () => randomUUID());
  const start = new Date().toISOString();
  const stamp = start.replace(/[-:.]/g, "").replace("Z", "000Z");
  const runCreates = traceIds.map((id, n) => ({
    id,
    trace_id: id,
    dotted_order: `${stamp}${id}`,
    name: `n${n}`,
    run_type: "chain",
    inputs: { n },
    outputs: { n },
    start_time: start,
    end_time: start,
    session_name: many,
  }));
  await client.batchIngestRuns({ runCreates, runUpdates: [] });
  const found = await all(client.listRuns({ projectName: many }));
  const limited = await all(client.listRuns({ projectName: many, limit: 1000 }));
  const distinct = (runs) => new Set(runs.map((run) => run.id)).size;
  return { all: [found.length, distinct(found)], limited: [limited.length, distinct(limited)] };
}

async function projects([first]) {
  const read = await client.readProject({ projectName, includeStats: true });
  const name = `${project}-made`;
  const made = await client.createProject({ projectName: name, description: "by hand", metadata: { team: "x" } });
  const again = await refusal(client.createProject({ projectName: name }));
  const upserted = await client.createProject({ projectName: name, upsert: true });
  await client.updateProject(made.id, { description: "changed" });
  const changed = await client.readProject({ projectId: made.id });
  const listed = await all(client.listProjects({ nameContains: `${project}-ma`, metadata: { team: "x" } }));
  await client.deleteProject({ projectName: name });
  return {
    same: read.id === first.session_id,
    stats: [read.run_count, read.feedback_stats.stars.n, read.session_feedback_stats.summary.avg],
    made: [again, upserted.id === made.id, changed.description, changed.extra.metadata.team],
    listed: listed.map((each) => each.name),
    has: [await client.hasProject({ projectName }), await client.hasProject({ projectName: name })],
  };
}

/** The methods for threads of newer releases, by both versions of the API. */
async function threads([first]) {
  const turns = await all(client.readThread({ threadId: "conv-42", projectName }));
  const listed = await client.listThreads({ projectName });
  return {
    turns: turns.map((run) => run.inputs.input),
    listed: listed.map((thread) => [thread.thread_id, thread.count]).sort(),
    first: turns[0].id === first.id,
  };
}

/** The generated client of the second version, which follows cursors by itself. */
async function second([first]) {
  const id = first.session_id;
  const since = { min_start_time: new Date(Date.now() - 3_600_000).toISOString() };
  const selects = ["ID", "NAME", "STATUS", "FEEDBACK_STATS"];
  const found = await all(client.runs.query({ project_ids: [id], is_root: true, page_size: 1, selects, ...since }));
  const where = { project_id: id, start_time: first.start_time };
  const one = await client.runs.retrieve(first.id, { ...where, selects: ["ID", "INPUTS"] });
  const traces = await all(client.traces.query({ project_id: id, page_size: 2, selects: ["ID"], ...since }));
  const ofTrace = await client.traces.listRuns(first.trace_id, { project_id: id, selects: ["NAME"] });
  const conversations = await all(client.threads.query({ project_id: id, page_size: 1, ...since }));
  const turns = await all(client.threads.listTraces("conv-42", { project_id: id, selects: ["TURN_NUMBER"] }));
  const stats = await client.threads.stats("conv-42", { session_id: id, selects: ["TURNS", "TOTAL_TOKENS"] });
  const url = await client.runs.getURL(first.id, { ...where, trace_id: first.trace_id });
  return {
    runs: found.map((run) => [run.name, run.status]),
    stars: found.at(-1).feedback_stats.stars.avg,
    one: [one.id === first.id, one.inputs],
    traces: traces.map((trace) => trace.trace_aggregates.total_tokens),
    ofTrace: ofTrace.items.map((run) => run.name).sort(),
    threads: conversations.map((thread) => [thread.thread_id, thread.count]),
    turns: turns.map((turn) => turn.turn_number),
    stats: [stats.turns, stats.total_tokens],
    url: url.url.includes(first.id),
  };
}

await support("the refund policy", "conv-42", "free", "build-7f3c");
// The clock of JavaScript has milliseconds: runs of one have no order.
const tick = () => new Promise((resolve) => setTimeout(resolve, 5));
await tick();
await support("opening hours", "conv-42", "pro", "canary");
await tick();
await support("Sundays", "conv-43", "pro", "shadow");
await client.awaitPendingTraceBatches();
const runs = await all(client.listRuns({ projectName, isRoot: true, order: "asc" }));
await judge(runs);
const read = {
  early: await judgeEarly(),
  feedback: await readFeedback(runs),
  changed: await changeFeedback(runs),
  presigned: await presigned(runs),
  runs: await readRuns(runs),
  many: await readMany(),
  projects: await projects(runs),
};
// What older releases have no calls for.
if (release === "new") {
  const batched = await feedbackOf([runs[1].id], { feedbackKeys: ["batched"] });
  Object.assign(read, {
    batched: batched.map((one) => one.score),
    configs: await configs(),
    categories: await categories(),
    threads: await threads(runs),
    second: await second(runs),
    lists: await lists(runs),
  });
}
report(read);
