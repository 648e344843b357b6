// Mapping rules in memory, a test that follows the rule literally, and a job that takes its time.
import { randomUUID } from "node:crypto";

const FIELDS = [
  ["name", "What a person sees."],
  ["model", "The model that answered; it decides the price."],
  ["provider", "Who served the model, for example openai."],
  ["user_id", "On whose behalf it ran."],
  ["usage.input_tokens", "Tokens in, cached ones included."],
  ["usage.output_tokens", "Tokens out, reasoning included."],
  ["metadata.<key>", "A member of the metadata."],
  ["invocation_params.<key>", "A parameter of the model call."],
].map(([field, description]) => ({ field, description }));

const now = () => Date.now() * 1000;
const rule = (name, attribute, field, ago, enabled = true) => ({
  id: randomUUID(),
  name,
  enabled,
  attribute,
  field,
  created_at: now() - ago,
  updated_at: now() - ago,
});
let rules = [
  rule("Prompt versions", "acme.prompt.version", "metadata.prompt_version", 9 * 86_400e6),
  rule("Gateway tokens", "acme.llm.*.tokens", "usage.input_tokens", 2 * 86_400e6),
  rule("Flags of the experiment", "acme.flag.*", "metadata.{*}", 3_600e6, false),
];
const jobs = [];

const listed = () => ({ rules: rules.map((one, position) => ({ ...one, position })), fields: FIELDS });
const refuse = (status, code, message, pointer) => Object.assign(new Error(message), { status, code, pointer });

function check({ name, attribute, field }, id) {
  if (name !== undefined && name === "") throw refuse(400, "invalid_body", "a rule needs a name", "/name");
  if (rules.some((one) => one.name === name && one.id !== id))
    throw refuse(409, "conflict", `a rule named "${name}" exists; choose another name`, "/name");
  if (attribute === "" || attribute.split("*").length > 2)
    throw refuse(400, "invalid_body", "an attribute is a key, or a pattern with one *", "/attribute");
  if (field === "" || field.endsWith("."))
    throw refuse(400, "invalid_body", `"${field}" is no field that a rule can fill; choose one of the list`, "/field");
}

export const listRules = listed;

export function createRule(body) {
  check(body);
  const made = { ...rule(body.name, body.attribute, body.field, 0), enabled: body.enabled ?? true };
  rules.push(made);
  return { ...made, position: rules.length - 1 };
}

export function updateRule(id, body) {
  check(body, id);
  rules = rules.map((one) => (one.id === id ? { ...one, ...body, updated_at: now() } : one));
  return rules.find((one) => one.id === id);
}

export function deleteRule(id) {
  rules = rules.filter((one) => one.id !== id);
}

export function orderRules(ids) {
  rules.sort((a, b) => ids.indexOf(a.id) - ids.indexOf(b.id));
  return listed();
}

export function testRule({ rule: tried }, run) {
  check({ ...tried, name: undefined });
  const [head, tail] = tried.attribute.split("*");
  const matches = (key) =>
    tail === undefined
      ? key === head
      : key.length > head.length + tail.length && key.startsWith(head) && key.endsWith(tail);
  const matched = Object.entries(run.attributes).filter(([key]) => matches(key));
  const star = (key) => key.slice(head.length, key.length - (tail?.length ?? 0));
  return {
    matched: matched.map(([attribute, value]) => ({ attribute, value })),
    changes: matched.map(([key, value]) => ({
      field: tried.field.replace("{*}", star(key)),
      before: tried.field.split(".").reduce((at, part) => at?.[part], run) ?? null,
      after: value,
    })),
    issues: [],
  };
}

export function startRemap({ project, since }) {
  if (jobs[0]?.state === "running")
    throw refuse(409, "conflict", `runs of the project "${project}" are being mapped again`);
  const job = { id: randomUUID(), state: "running", project, since, started_at: now(), ended_at: null, until: null };
  Object.assign(job, { traces_total: 42, traces_done: 0, runs_seen: 0, runs_changed: 0, runs_skipped: 0, error: null });
  jobs.unshift(job);
  const timer = setInterval(() => {
    job.traces_done += 3;
    job.runs_seen += 117;
    job.runs_changed += 5;
    if (job.traces_done < 42) return;
    job.state = "done";
    clearInterval(timer);
  }, 300);
  return { job };
}

export const listRemaps = () => ({ jobs });
