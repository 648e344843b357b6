// LangSmith's JavaScript client: datasets and examples are written, changed, shared and read back.
//
// The argument is the names' common beginning.
import { Client } from "langsmith";
import { all, refusal, report } from "./langsmith_shared.mjs";

const [prefix] = process.argv.slice(2);
const client = new Client();
const name = `${prefix}-questions`;

const examplesOf = (dataset, more = {}) => all(client.listExamples({ datasetId: dataset.id, ...more }));
const questions = (examples) => examples.map((example) => example.inputs.q).sort((one, other) => one - other);

async function made() {
  const dataset = await client.createDataset(name, { description: "d", metadata: { team: "x" } });
  const renamed = await client.createDataset(`${prefix}-first`, { dataType: "kv" });
  await client.updateDataset({ datasetId: renamed.id, name: `${prefix}-renamed`, description: "changed" });
  const changed = await client.readDataset({ datasetId: renamed.id });
  const listed = await all(client.listDatasets({ datasetNameContains: prefix.toUpperCase(), metadata: { team: "x" } }));
  await client.deleteDataset({ datasetId: renamed.id });
  const read = await client.readDataset({ datasetName: name });
  return [
    dataset,
    {
      read: [read.id === dataset.id, read.description, read.metadata.team, read.data_type],
      again: await refusal(client.createDataset(name)),
      changed: [changed.name, changed.description],
      listed: listed.map((each) => each.name),
      has: [await client.hasDataset({ datasetName: name }), await client.hasDataset({ datasetName: `${prefix}-renamed` })],
      gone: await refusal(client.readDataset({ datasetId: renamed.id })),
    },
  ];
}

/** 150 examples at once, more than a page has, and one that is changed and removed. */
async function examples(dataset) {
  const uploads = Array.from({ length: 150 }, (_, q) => ({
    dataset_id: dataset.id,
    inputs: { q },
    outputs: { a: q },
    metadata: { n: q },
    split: q % 2 ? "odd" : "even",
  }));
  const many = await client.createExamples(uploads);
  const numbers = questions(await examplesOf(dataset));
  const filter = 'and(exists(metadata, "n"), not(has(metadata, \'{"n": 5}\')))';
  const found = {
    all: numbers.every((number, at) => number === at) && numbers.length,
    made: many.length,
    count: (await client.readDataset({ datasetName: name })).example_count,
    limited: questions(await examplesOf(dataset, { limit: 7 })).length,
    odd: questions(await examplesOf(dataset, { splits: ["odd"], limit: 3 })).every((number) => number % 2),
    five: questions(await examplesOf(dataset, { metadata: { n: 5 } })),
    filtered: (await examplesOf(dataset, { filter })).length,
    byId: questions(await examplesOf(dataset, { exampleIds: [many[3].id] })),
  };
  await client.deleteExamples(many.slice(0, 100).map((each) => each.id));
  const left = (await examplesOf(dataset)).length;
  const one = await client.createExample({ q: 1000 }, { a: 1 }, { datasetName: name, split: "late" });
  await client.updateExample({ id: one.id, dataset_id: dataset.id, inputs: { q: 1001 }, metadata: { checked: true } });
  await client.updateExamples([{ id: many[149].id, dataset_id: dataset.id, outputs: { a: -1 } }]);
  const changed = await client.readExample(one.id);
  await client.deleteExample(one.id);
  return {
    ...found,
    left,
    changed: [changed.inputs, changed.outputs, changed.metadata.checked],
    other: (await client.readExample(many[149].id)).outputs,
    gone: await refusal(client.readExample(one.id)),
  };
}

/** Other kinds of examples, in a dataset of their own. */
async function kinds() {
  const options = { datasetName: (await client.createDataset(`${prefix}-kinds`, { dataType: "chat" })).name };
  const words = [{ type: "human", data: { content: "hi" } }];
  const chat = await client.createChatExample(words, { type: "ai", data: { content: "hello" } }, options);
  const text = await client.createLLMExample("ping", "pong", options);
  return { chat: [chat.inputs, chat.outputs], text: [text.inputs, text.outputs] };
}

/** Bytes that are sent along with an example come back as they were. */
async function attachments(dataset) {
  const picture = Uint8Array.from({ length: 256_000 }, (_, at) => at % 256);
  const note = new TextEncoder().encode("hello");
  const files = { picture: { mimeType: "image/png", data: picture }, note: ["text/plain", note] };
  const uploads = [{ inputs: { q: 5000 }, attachments: files }];
  const { example_ids: ids } = await client.uploadExamplesMultipart(dataset.id, uploads);
  const fetched = async ({ presigned_url, mime_type }) => {
    const response = await fetch(presigned_url).catch(() => undefined);
    if (!response?.ok) return [mime_type, "not fetched"];
    const bytes = Buffer.from(await response.arrayBuffer());
    return [mime_type, bytes.equals(picture) ? "picture" : bytes.toString()];
  };
  const read = async () => {
    const asked = { datasetId: dataset.id, exampleIds: ids, includeAttachments: true };
    const [example] = await all(client.listExamples(asked));
    const files = Object.entries(example.attachments).sort();
    return Promise.all(files.map(async ([name, file]) => [name, ...(await fetched(file))]));
  };
  const before = await read();
  const operations = { rename: { picture: "image" }, retain: [] };
  const added = { added: ["text/plain", new TextEncoder().encode("n")] };
  await client.updateExamplesMultipart(dataset.id, [{ id: ids[0], attachments_operations: operations, attachments: added }]);
  return { before, after: await read() };
}

async function versions() {
  const dataset = await client.createDataset(`${prefix}-versions`);
  const [one, two] = await client.createExamples([1, 2].map((q) => ({ dataset_id: dataset.id, inputs: { q } })));
  const { as_of: first } = await client.readDatasetVersion({ datasetId: dataset.id, tag: "latest" });
  await client.updateDatasetTag({ datasetId: dataset.id, asOf: first, tag: "prod" });
  await client.updateExample({ id: one.id, dataset_id: dataset.id, inputs: { q: 11 } });
  await client.createExamples([{ dataset_id: dataset.id, inputs: { q: 3 } }]);
  await client.deleteExample(two.id);
  const diff = await client.diffDatasetVersions({ datasetId: dataset.id, fromVersion: "prod", toVersion: "latest" });
  const split = { datasetId: dataset.id, splitName: "hard" };
  await client.updateDatasetSplits({ ...split, exampleIds: [one.id] });
  const hard = questions(await examplesOf(dataset, { splits: ["hard"] }));
  const splits = await client.listDatasetSplits({ datasetId: dataset.id });
  await client.updateDatasetSplits({ ...split, exampleIds: [one.id], remove: true });
  return {
    latest: questions(await examplesOf(dataset)),
    tagged: questions(await examplesOf(dataset, { asOf: "prod" })),
    dated: questions(await examplesOf(dataset, { asOf: first })),
    tag: (await client.readDatasetVersion({ datasetId: dataset.id, asOf: first })).tags,
    diff: [diff.examples_modified, diff.examples_added, diff.examples_removed].map((ids) => ids.length),
    splits: splits.sort(),
    hard,
    unsplit: questions(await examplesOf(dataset, { splits: ["hard"] })),
  };
}

async function sharing() {
  const dataset = await client.createDataset(`${prefix}-shared`);
  await client.createExamples([{ dataset_id: dataset.id, inputs: { q: 1 }, outputs: { a: 2 } }]);
  const { share_token: token, url } = await client.shareDataset(dataset.id);
  const schema = await client.readDatasetSharedSchema(dataset.id);
  const shown = await client.readSharedDataset(token);
  const examples = await client.listSharedExamples(token);
  await client.clonePublicDataset(token, { datasetName: `${prefix}-cloned` });
  const cloned = await all(client.listExamples({ datasetName: `${prefix}-cloned` }));
  await client.unshareDataset(dataset.id);
  return {
    url: url.endsWith(`/public/${token}/d`),
    same: [schema.share_token === token, shown.id === dataset.id],
    examples: examples.map((each) => [each.inputs, each.outputs]),
    cloned: cloned.map((each) => [each.inputs, each.outputs]),
    gone: await refusal(client.readSharedDataset(token)),
  };
}

async function uploads() {
  const table = {
    csvFile: new Blob(['q,a\n1,"x, y"\n2,z\n'], { type: "text/csv" }),
    fileName: "table.csv",
    inputKeys: ["q"],
    outputKeys: ["a"],
    name: `${prefix}-table`,
    description: "a table",
  };
  const dataset = await client.uploadCsv(table);
  const rows = (await examplesOf(dataset)).map((each) => [each.inputs, each.outputs]);
  return { rows: rows.sort((one, other) => one[0].q - other[0].q), description: dataset.description };
}

const [dataset, found] = await made();
report({
  made: found,
  examples: await examples(dataset),
  kinds: await kinds(),
  attachments: await attachments(dataset),
  versions: await versions(),
  sharing: await sharing(),
  uploads: await uploads(),
});
