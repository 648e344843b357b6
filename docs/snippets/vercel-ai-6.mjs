import { createOpenAI } from "@ai-sdk/openai";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { NodeSDK } from "@opentelemetry/sdk-node";
import { generateText } from "ai";

const sdk = new NodeSDK({ serviceName: "haiku", traceExporter: new OTLPTraceExporter(), instrumentations: [] });
sdk.start();

// OPENAI_BASE_URL points it at any compatible server.
const openai = createOpenAI({ baseURL: process.env.OPENAI_BASE_URL });
const { text } = await generateText({
  model: openai.chat("gpt-5-mini"),
  prompt: "Write a haiku about tracing.",
  experimental_telemetry: { isEnabled: true, functionId: "haiku", metadata: { userId: "ada" } },
});
console.log(text);
await sdk.shutdown(); // sends what is still waiting
