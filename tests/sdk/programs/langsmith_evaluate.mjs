// LangSmith's JavaScript SDK: a dataset with its versions and splits, an evaluation on it, and what came of it.
import assert from "node:assert/strict";
import { Client } from "langsmith";
import { evaluate, evaluateComparative } from "langsmith/evaluation";

const [name] = process.argv.slice(2);
const client = new Client();

const all = async (found) => {
  const items = [];
  for await (const item of found) items.push(item);
  return items;
};

const dataset = await client.createDataset(name, { description: "questions", metadata: { team: "x" } });
const made = await client.createExamples(
  [1, 2, 3].map((q) => ({ dataset_id: dataset.id, inputs: { q }, outputs: { a: q }, split: q === 2 ? "even" : "odd" })),
);
assert.equal(made.length, 3);
assert.equal((await client.readDataset({ datasetName: name })).example_count, 3);
assert.equal((await all(client.listExamples({ datasetId: dataset.id, splits: ["odd"] }))).length, 2);
await client.updateExample({ id: made[0].id, metadata: { checked: true }, dataset_id: dataset.id });
assert.deepEqual((await client.readExample(made[0].id)).metadata.checked, true);
assert.equal((await all(client.listDatasets({ datasetName: name })))[0].id, dataset.id);
assert.ok(await client.hasDataset({ datasetName: name }));

const exact = ({ outputs, referenceOutputs }) => ({ key: "exact", score: outputs.a === referenceOutputs.a });
const options = { data: name, evaluators: [exact], client, experimentPrefix: "js" };
const wrong = await evaluate(({ q }) => ({ a: q + (q === 2 ? 1 : 0) }), options);
const right = await evaluate(({ q }) => ({ a: q }), { ...options, numRepetitions: 2 });
assert.equal(wrong.results.length, 3);
assert.equal(right.results.length, 6);
await client.awaitPendingTraceBatches();

const prefers = ({ runs, example }) => ({
  key: "closer",
  scores: Object.fromEntries(runs.map((run) => [run.id, Number(run.outputs.a === example.outputs.a)])),
});
const compared = await evaluateComparative([wrong.experimentName, right.experimentName], {
  evaluators: [prefers],
  client,
});
assert.ok(compared.results.length > 0);
await client.awaitPendingTraceBatches();
console.log(JSON.stringify({ dataset: dataset.id, wrong: wrong.experimentName, right: right.experimentName }));
