// LangSmith's JavaScript SDK in its own protocol: a tree with a stream, an error and a file, and runs made by hand.
import { randomUUID } from "node:crypto";
import { Client, RunTree } from "langsmith";
import { traceable } from "langsmith/traceable";

const client = new Client();
const options = { client };
const find = traceable(async () => [{ page_content: "The library opens at nine.", metadata: {} }], {
  ...options,
  name: "find_documents",
  run_type: "retriever",
});
const check = traceable(
  async (day) => {
    throw new RangeError(`no calendar for ${day}`);
  },
  { ...options, name: "check_calendar", run_type: "tool" },
);
const stream = traceable(
  async function* (words) {
    yield* words;
  },
  { ...options, name: "stream" },
);
const lookAt = traceable(async (picture, note) => ({ bytes: picture.length, note }), {
  ...options,
  name: "look_at",
  extractAttachments: (picture, note) => [{ picture: ["image/png", picture] }, { note }],
});
const call = traceable(
  async () => ({
    messages: [{ role: "assistant", content: "At nine." }],
    usage_metadata: { input_tokens: 20, output_tokens: 3, total_tokens: 23, input_token_details: { cache_read: 5 } },
  }),
  { ...options, name: "call_model", run_type: "llm", metadata: { ls_provider: "openai", ls_model_name: "gpt-4o-mini" } },
);
const answer = traceable(
  async (question) => {
    await find(question);
    await check("Sunday").catch(() => {});
    for await (const _word of await stream(["At ", "nine."]));
    await lookAt(new Uint8Array(Buffer.from("\x89PNG".repeat(1000), "latin1")), "a picture");
    return call({ messages: [{ role: "user", content: question }] });
  },
  { ...options, name: "assistant", tags: ["library"], metadata: { thread_id: "chat-5", plan: "pro" } },
);
await answer("When does the library open?");

const root = new RunTree({ name: "by hand", run_type: "chain", inputs: { a: 1 }, client });
await root.postRun();
const child = root.createChild({ name: "step", run_type: "tool", inputs: { b: [1, { c: null }] } });
await child.postRun();
await child.end({ d: "é" });
await child.patchRun();
await root.end(undefined, "Error: not today");
await root.patchRun();
// Without a word of its trace it is sent at once, in two requests, of which only the first names the project.
const id = randomUUID();
const [start_time, end_time] = [new Date().toISOString(), new Date().toISOString()];
const project_name = process.env.LANGSMITH_PROJECT;
await client.createRun({ id, name: "direct", run_type: "chain", inputs: { q: 1 }, start_time, project_name });
await client.updateRun(id, { outputs: { r: 2 }, end_time });
await client.awaitPendingTraceBatches();
