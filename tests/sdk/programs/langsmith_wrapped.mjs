// LangSmith's JavaScript SDK around OpenAI's client: a chat, a stream, a tool, the other API, and a refused call.
import { Client } from "langsmith";
import { traceable } from "langsmith/traceable";
import { wrapOpenAI } from "langsmith/wrappers";
import OpenAI from "openai";

const client = new Client();
const openai = wrapOpenAI(new OpenAI({ maxRetries: 0 }), { client });
const model = "gpt-4o-mini";
const brief = { role: "system", content: "Be brief." };
const ask = (content) => [brief, { role: "user", content }];
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const tools = [{ type: "function", function: { name: "get_weather", description: "Get the weather", parameters } }];

const assistant = traceable(
  async () => {
    await openai.chat.completions.create({ model, messages: ask("Hello there [cached 5]"), temperature: 0.25 });
    const stream = { model, messages: ask("stream please"), stream: true, stream_options: { include_usage: true } };
    for await (const _chunk of await openai.chat.completions.create(stream));
    await openai.chat.completions.create({ model, messages: ask("What is the weather in Paris?"), tools });
    await openai.responses.create({ model: "gpt-5-mini", instructions: "Be brief.", input: "reason please" });
    const refused = { model, messages: [{ role: "user", content: "[error 429] hello" }] };
    await openai.chat.completions.create(refused).catch(() => {});
    return "done";
  },
  { client, name: "assistant", metadata: { session_id: "chat-w" } },
);
await assistant();
await client.awaitPendingTraceBatches();
