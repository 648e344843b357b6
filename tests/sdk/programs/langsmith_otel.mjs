// LangSmith's JavaScript SDK that sends with OpenTelemetry: a tree, an error, and feedback from inside of a run that is not sent yet.
import { trace } from "@opentelemetry/api";
import { Client } from "langsmith";
import { initializeOTEL } from "langsmith/experimental/otel/setup";
import { traceable } from "langsmith/traceable";
import { report } from "./langsmith_shared.mjs";

const { DEFAULT_LANGSMITH_TRACER_PROVIDER: provider } = initializeOTEL();
const client = new Client();
let judged;
const find = traceable(async () => [{ page_content: "The library opens at nine.", metadata: {} }], {
  name: "find_documents",
  run_type: "retriever",
});
const check = traceable(
  async (day) => {
    throw new RangeError(`no calendar for ${day}`);
  },
  { name: "check_calendar", run_type: "tool" },
);
const call = traceable(
  async () => {
    // A run that is sent as a span is found by the id of the span.
    const { spanId } = trace.getActiveSpan().spanContext();
    judged = `00000000-0000-0000-${spanId.slice(0, 4)}-${spanId.slice(4)}`;
    await client.createFeedback(judged, "early", { score: 0.5 });
    return {
      messages: [{ role: "assistant", content: "At nine." }],
      usage_metadata: { input_tokens: 20, output_tokens: 3, total_tokens: 23, input_token_details: { cache_read: 5 } },
    };
  },
  { name: "call_model", run_type: "llm", metadata: { ls_provider: "openai", ls_model_name: "gpt-4o-mini" } },
);
const answer = traceable(
  async (question) => {
    await find(question);
    await check("Sunday").catch(() => {});
    return call({ messages: [{ role: "user", content: question }] });
  },
  { name: "assistant", tags: ["library"], metadata: { thread_id: "chat-5", plan: "pro" } },
);
await answer("When does the library open?");
await provider.forceFlush();
await provider.shutdown();
report({ judged });
