// What LangSmith's SDKs send, and its API as they call it.
import { randomUUID } from "node:crypto";

/** Calls routes of LangSmith's API, and Clearspan's own by their whole path. Throws what is refused. */
export const caller = (server) => async (method, path, body) => {
  const root = server.api.replace("/clearspan/v1", "");
  const request = { method, headers: { "content-type": "application/json" } };
  if (body) request.body = JSON.stringify(body);
  const response = await fetch(root + (path.startsWith("/clearspan/") ? path : `/v1${path}`), request);
  const answer = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${answer}`);
  return JSON.parse(answer || "null");
};

/** Where a run stands in its trace: its start and its id. */
export const dottedOrder = (time, id) => `${time.toISOString().replaceAll(/[-:.Z]/g, "")}000Z${id}`;

const RUN_MS = 500;

/** The run of an experiment on one example, a minute ago. With an error it has no outputs. */
export function experimentRun(name, example, outputs, error) {
  const id = randomUUID();
  const time = new Date(Date.now() - 60_000);
  return {
    id,
    trace_id: id,
    dotted_order: dottedOrder(time, id),
    name: "Target",
    run_type: "chain",
    session_name: name,
    reference_example_id: example.id,
    start_time: time.toISOString(),
    end_time: new Date(time.getTime() + RUN_MS).toISOString(),
    inputs: example.inputs,
    outputs: error ? null : outputs,
    error,
  };
}

const node = (name, kwargs) => ({ lc: 1, type: "constructor", id: ["langchain", "prompts", name], kwargs });
const template = (text) => node("PromptTemplate", { template: text, template_format: "f-string", input_variables: [] });

/** A version of a prompt, as LangChain writes it: a system message, and the customer's question. */
export function chatPrompt(system) {
  const messages = [
    node("SystemMessagePromptTemplate", { prompt: template(system) }),
    node("HumanMessagePromptTemplate", { prompt: template("{question}") }),
  ];
  return node("ChatPromptTemplate", { input_variables: ["customer", "question"], messages });
}
