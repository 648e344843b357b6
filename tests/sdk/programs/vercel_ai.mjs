// The AI SDK: a chat, a stream, a tool, a streamed tool, reasoning, an object, embeddings and refused calls.
//
// The argument names the version and, for 7, which of its two telemetries: `5`, `6`, `7` or `7-legacy`.
import { createOpenAI } from "@ai-sdk/openai";
import { trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { NodeSDK } from "@opentelemetry/sdk-node";
import * as ai from "ai";
import { z } from "zod";

const [version, legacy] = process.argv[2].split("-");
const sdk = new NodeSDK({ serviceName: "ai-bot", traceExporter: new OTLPTraceExporter(), instrumentations: [] });
sdk.start();
if (version === "7") {
  const otel = await import("@ai-sdk/otel");
  ai.registerTelemetry(legacy ? new otel.LegacyOpenTelemetry() : new otel.OpenTelemetry({ runtimeContext: true, usage: true, embedding: true }));
}

const openai = createOpenAI({ baseURL: process.env.OPENAI_BASE_URL });
const embeddings = "text-embedding-3-small";
const embedder = openai.embeddingModel?.(embeddings) ?? openai.textEmbeddingModel(embeddings);
const getWeather = ai.tool({
  description: "Get the weather of a city",
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `21 °C in ${city}`,
});
const explode = ai.tool({
  description: "Fails",
  inputSchema: z.object({ city: z.string() }),
  execute: async () => {
    throw new Error("the tool exploded");
  },
});

function telemetry(functionId, metadata) {
  if (version !== "7") return { experimental_telemetry: { isEnabled: true, functionId, metadata } };
  const shown = Object.fromEntries(Object.keys(metadata ?? {}).map((key) => [key, true]));
  return { runtimeContext: metadata, telemetry: { functionId, includeRuntimeContext: shown } };
}

const chat = openai.chat("gpt-4o-mini");
const responses = openai("gpt-4o-mini");
const stopWhen = ai.stepCountIs(4);

async function drain(result) {
  for await (const _ of result.textStream);
}

await trace.getTracer("app").startActiveSpan("bot", async (span) => {
  await ai.generateText({
    model: chat,
    system: "Be kind.",
    prompt: "Hello there [cached 5]",
    temperature: 0.25,
    ...telemetry("plain", { userId: "ada", sessionId: "chat-v", plan: "pro" }),
  });
  await drain(ai.streamText({ model: chat, prompt: "stream please", ...telemetry("stream") }));
  const question = "What is the weather in Paris?";
  const tools = { get_weather: getWeather };
  await ai.generateText({ model: chat, prompt: question, tools, stopWhen, ...telemetry("tool") });
  await drain(ai.streamText({ model: responses, prompt: question, tools, stopWhen, ...telemetry("stream-tool") }));
  await ai.generateText({ model: chat, prompt: "Use the tool", tools: { explode }, stopWhen, ...telemetry("clumsy") });
  await ai.generateText({
    model: openai.responses("gpt-5-mini"),
    prompt: "reason please",
    providerOptions: { openai: { reasoningSummary: "auto" } },
    ...telemetry("reasoning"),
  });
  const schema = z.object({ city: z.string(), population: z.number() });
  const output = { model: chat, prompt: "Which city?" };
  if (version === "5") await ai.generateObject({ ...output, schema, ...telemetry("object") });
  else await ai.generateText({ ...output, output: ai.Output.object({ schema }), ...telemetry("object") });
  await ai.embed({ model: embedder, value: "some words to embed", ...telemetry("embed") });
  await ai.embedMany({ model: embedder, values: ["one two", "three"], ...telemetry("embed-many") });
  for (const status of [429, 500]) {
    const refused = { model: chat, prompt: `[error ${status}] hello`, maxRetries: 0, ...telemetry(`refused-${status}`) };
    await ai.generateText(refused).then(() => Promise.reject(new Error("not refused")), () => {});
  }
  span.end();
});
await sdk.shutdown();
