//! The programs on the page. Their text lives in docs/snippets, where the SDK tests run it; here are names and order.
// oxlint-disable import/default -- "?raw" is the text of a file, made by Vite

import curl from "../../../../docs/snippets/curl.sh?raw";
import langsmith from "../../../../docs/snippets/langsmith-sdk.py?raw";
import langsmithEnv from "../../../../docs/snippets/langsmith-sdk.sh?raw";
import anthropic from "../../../../docs/snippets/openinference-anthropic.py?raw";
import anthropicEnv from "../../../../docs/snippets/openinference-anthropic.sh?raw";
import langchain from "../../../../docs/snippets/openinference-langchain.py?raw";
import langchainEnv from "../../../../docs/snippets/openinference-langchain.sh?raw";
import llamaIndex from "../../../../docs/snippets/openinference-llama-index.py?raw";
import llamaIndexEnv from "../../../../docs/snippets/openinference-llama-index.sh?raw";
import openinference from "../../../../docs/snippets/openinference-openai.py?raw";
import openinferenceEnv from "../../../../docs/snippets/openinference-openai.sh?raw";
import openllmetry from "../../../../docs/snippets/openllmetry.py?raw";
import openllmetryEnv from "../../../../docs/snippets/openllmetry.sh?raw";
import opentelemetry from "../../../../docs/snippets/opentelemetry-sdk.py?raw";
import opentelemetryEnv from "../../../../docs/snippets/opentelemetry-sdk.sh?raw";
import pydantic from "../../../../docs/snippets/pydantic-ai.py?raw";
import pydanticEnv from "../../../../docs/snippets/pydantic-ai.sh?raw";
import vercel6 from "../../../../docs/snippets/vercel-ai-6.mjs?raw";
import vercel6Env from "../../../../docs/snippets/vercel-ai-6.sh?raw";
import vercel7 from "../../../../docs/snippets/vercel-ai-7.mjs?raw";
import vercel7Env from "../../../../docs/snippets/vercel-ai-7.sh?raw";

export interface Snippet {
  id: string;
  name: string;
  /** What is sent, in one sentence. */
  about: string;
  language: "Python" | "JavaScript" | "Shell";
  /** Packages and environment; missing where nothing is needed. */
  setup?: string;
  code: string;
  /** How the program is started once it is saved. */
  file: string;
  run: string;
  /** Whose model it calls, as the variables begin that name the key and any compatible server. */
  callsModel: "OPENAI" | "ANTHROPIC" | null;
}

const python = {
  language: "Python",
  file: "first_trace.py",
  run: "python first_trace.py",
  callsModel: "OPENAI",
} as const;
const node = {
  language: "JavaScript",
  file: "first_trace.mjs",
  run: "node first_trace.mjs",
  callsModel: "OPENAI",
} as const;

export const SNIPPETS: readonly Snippet[] = [
  {
    ...python,
    id: "opentelemetry",
    name: "OpenTelemetry",
    about: "The OpenTelemetry SDK with the semantic conventions for generative AI. Any OTLP exporter works the same.",
    setup: opentelemetryEnv,
    code: opentelemetry,
    callsModel: null,
  },
  {
    ...python,
    id: "openllmetry",
    name: "OpenLLMetry",
    about: "traceloop-sdk records OpenAI, Anthropic, Bedrock, vector stores and frameworks by itself.",
    setup: openllmetryEnv,
    code: openllmetry,
  },
  {
    ...python,
    id: "openinference",
    name: "OpenInference · OpenAI",
    about: "OpenInference records every call of the OpenAI client. Its other instrumentors are set up the same way.",
    setup: openinferenceEnv,
    code: openinference,
  },
  {
    ...python,
    id: "anthropic",
    name: "OpenInference · Anthropic",
    about: "Messages of the Anthropic client with tools, thinking and what the prompt cache gave and took.",
    setup: anthropicEnv,
    code: anthropic,
    callsModel: "ANTHROPIC",
  },
  {
    ...python,
    id: "langchain",
    name: "OpenInference · LangChain",
    about: "Chains, agents, tools and retrievers of LangChain and LangGraph.",
    setup: langchainEnv,
    code: langchain,
  },
  {
    ...python,
    id: "llama-index",
    name: "OpenInference · LlamaIndex",
    about:
      "Indexes, retrievers, query engines and agents. LlamaIndex calls OPENAI_BASE_URL by another name: OPENAI_API_BASE.",
    setup: llamaIndexEnv,
    code: llamaIndex,
  },
  {
    ...python,
    id: "langsmith",
    name: "LangSmith SDK",
    about:
      "The SDK sends what @traceable, the wrappers, LangChain and LangGraph record. In your own programs only the environment changes.",
    setup: langsmithEnv,
    code: langsmith,
  },
  {
    ...python,
    id: "pydantic-ai",
    name: "Pydantic AI",
    about: "Pydantic AI, recorded by Logfire. Nothing is sent to anybody else.",
    setup: pydanticEnv,
    code: pydantic,
  },
  {
    ...node,
    id: "vercel-ai-7",
    name: "Vercel AI SDK 7",
    about: "The AI SDK with @ai-sdk/otel. Version 7 needs Node 22.",
    setup: vercel7Env,
    code: vercel7,
  },
  {
    ...node,
    id: "vercel-ai-6",
    name: "Vercel AI SDK 5, 6",
    about: "The AI SDK with its experimental_telemetry option.",
    setup: vercel6Env,
    code: vercel6,
  },
  {
    id: "curl",
    name: "cURL",
    about: "One LLM call as OTLP in JSON: no SDK, no model.",
    language: "Shell",
    code: curl,
    file: "first_trace.sh",
    run: "sh first_trace.sh",
    callsModel: null,
  },
];

const DEFAULT_URL = "http://127.0.0.1:4318";

export interface Target {
  url: string;
  /** Set when the server demands one. */
  key: string | null;
}

/** The text for this server: its address, and the key where the SDK looks for it. */
export function fillIn(text: string, { url, key }: Target): string {
  const addressed = text.replaceAll(DEFAULT_URL, url);
  if (key === null) return addressed;
  return addressed
    .replace(/^(export OTEL_EXPORTER_OTLP_ENDPOINT=.*)$/m, `$1\nexport OTEL_EXPORTER_OTLP_HEADERS="x-api-key=${key}"`)
    .replace(/^(export TRACELOOP_BASE_URL=.*)$/m, `$1\nexport TRACELOOP_API_KEY=${key}`)
    .replace(/^export LANGSMITH_API_KEY=.*$/m, `export LANGSMITH_API_KEY=${key}`)
    .replace(/^( {2}-H 'content-type: application\/json' \\)$/m, `$1\n  -H 'x-api-key: ${key}' \\`);
}

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

/**
 * The address that programs use. Who reads this page from another machine reached the server by the address of the
 * page; on the same machine the server knows best, because the page may come through a development server or a tunnel.
 */
export const addressFor = (page: { origin: string; hostname: string }, serverUrl: string): string =>
  LOOPBACK.test(page.hostname) ? serverUrl : page.origin;
