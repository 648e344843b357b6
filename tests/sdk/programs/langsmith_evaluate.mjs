// LangSmith's JavaScript client: experiments on a dataset, by row and as a whole, repeated, compared, and read back.
//
// The argument is the dataset's name.
import { Client } from "langsmith";
import { evaluate, evaluateComparative } from "langsmith/evaluation";
import { all, report } from "./langsmith_shared.mjs";

const [name] = process.argv.slice(2);
const client = new Client();
const dataset = await client.createDataset(name);
await client.createExamples(
  [1, 2, 3].map((q) => ({ dataset_id: dataset.id, inputs: { q }, outputs: { a: q }, split: q === 2 ? "even" : "odd" })),
);

const exact = ({ outputs, referenceOutputs }) => ({ key: "exact", score: Number(outputs.a === referenceOutputs.a) });
const close = ({ run, example }) => [
  { key: "near", score: 1 / (1 + Math.abs(run.outputs.a - example.inputs.q)), comment: `asked ${example.inputs.q}` },
  { key: "kind", value: run.outputs.a % 2 ? "odd" : "even" },
];
const broken = ({ example }) => {
  if (example.inputs.q === 3) throw new RangeError("three is too many");
  return { key: "broken", score: 1 };
};
const share = ({ runs, examples }) => {
  const right = runs.filter((run, at) => run.outputs?.a === examples[at].inputs.q);
  return { key: "share", score: right.length / runs.length };
};
const options = { data: name, evaluators: [exact], client, experimentPrefix: "js" };
const wrong = await evaluate(({ q }) => ({ a: q + (q === 2 ? 1 : 0) }), {
  ...options,
  evaluators: [exact, close, broken],
  summaryEvaluators: [share],
  metadata: { model: "m1" },
  maxConcurrency: 2,
});
const right = await evaluate(({ q }) => ({ a: q }), { ...options, numRepetitions: 2 });
const failing = await evaluate(
  ({ q }) => {
    throw new RangeError(`no answer to ${q}`);
  },
  { ...options, evaluators: [], data: client.listExamples({ datasetId: dataset.id, splits: ["even"] }) },
);
await client.awaitPendingTraceBatches();

const closer = ({ runs, example }) => ({
  key: "closer",
  scores: Object.fromEntries(runs.map((run) => [run.id, Number(run.outputs.a === example.inputs.q)])),
});
const compared = await evaluateComparative([wrong.experimentName, right.experimentName], {
  evaluators: [closer],
  client,
});
await client.awaitPendingTraceBatches();

/** An experiment as the client reads it: its figures, and what each run answered and was scored. */
async function read({ experimentName: projectName }) {
  const project = await client.readProject({ projectName, includeStats: true });
  const runs = await all(client.listRuns({ projectName, isRoot: true }));
  const given = await all(client.listFeedback({ runIds: runs.map((run) => run.id) }));
  const keys = [...new Set(given.map((one) => one.key))].sort();
  const examples = await all(client.listExamples({ datasetId: dataset.id }));
  const question = Object.fromEntries(examples.map((example) => [example.id, example.inputs.q]));
  return {
    name: projectName,
    ofDataset: project.reference_dataset_id === dataset.id,
    model: project.extra.metadata.model ?? null,
    repetitions: project.extra.metadata.num_repetitions ?? null,
    count: project.run_count,
    averages: Object.fromEntries(Object.entries(project.feedback_stats ?? {}).map(([key, stats]) => [key, stats.avg])),
    whole: Object.fromEntries(Object.entries(project.session_feedback_stats ?? {}).map(([key, stats]) => [key, stats.avg])),
    answers: runs.map((run) => [question[run.reference_example_id], run.outputs?.a ?? null, run.status]).sort(),
    scores: Object.fromEntries(
      keys.map((key) => [key, given.filter((one) => one.key === key).map((one) => one.score ?? one.value).sort()]),
    ),
    comments: given.filter((one) => one.key === "near").map((one) => one.comment).sort(),
    sources: [...new Set(given.map((one) => one.feedback_source.type))],
  };
}

const listed = await all(client.listProjects({ referenceDatasetId: dataset.id }));
report({
  dataset: dataset.id,
  results: [wrong.results.length, right.results.length, failing.results.length],
  summary: wrong.summaryResults.results.map((result) => [result.key, result.score]),
  compared: compared.results.length,
  wrong: await read(wrong),
  right: await read(right),
  failing: await read(failing),
  experiments: listed.length,
  sessions: (await client.readDataset({ datasetName: name })).session_count,
});
