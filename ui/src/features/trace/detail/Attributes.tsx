import { Link } from "@tanstack/react-router";
import type { Run } from "@/lib/api/types";
import { formatInstant } from "@/lib/format";
import { unpricedReason } from "@/lib/unpriced";
import { From } from "./From";
import { KeyValues } from "./KeyValues";
import styles from "./KeyValues.module.css";

/** Everything that is known by name about the span; what no rule consumed is under Attributes as it was sent. */
export function Attributes({ run }: { run: Run }) {
  const identity = {
    "run id": run.run_id,
    "span id": run.span_id,
    "trace id": run.trace_id,
    "parent run id": run.parent_run_id,
    started: formatInstant(run.start_time),
    "first token": run.first_token_time === null ? null : formatInstant(run.first_token_time),
    ended: run.end_time === null ? null : formatInstant(run.end_time),
    received: run.received_at === null ? null : formatInstant(run.received_at),
    model: run.model,
    provider: run.provider,
    user: run.user_id,
    thread: run.thread_id,
    environment: run.environment,
    service: run.service,
    release: run.release,
    tags: run.tags.join(", "),
    dialect: run.dialect,
    instrumentation: run.scope ? [run.scope.name, run.scope.version].filter(Boolean).join(" ") : null,
  };
  const usage = run.usage
    ? Object.fromEntries([
        ...Object.entries({
          input: run.usage.input_tokens,
          output: run.usage.output_tokens,
          total: run.usage.total_tokens,
        }),
        ...Object.entries(run.usage.input_details).map(([name, value]) => [`input · ${name}`, value]),
        ...Object.entries(run.usage.output_details).map(([name, value]) => [`output · ${name}`, value]),
      ])
    : {};
  return (
    <KeyValues
      groups={[
        { title: "Span", values: identity, aside: spanSource },
        { title: "Metadata", values: run.metadata, aside: metadataSource(run) },
        {
          title: "Attributes",
          values: run.attributes,
          ruleFor: { project: run.project.name, trace: run.trace_id, run: run.run_id },
        },
        { title: "Token usage", values: usage, aside: usageSource },
        { title: "Cost", values: costOf(run), aside: costSource },
        { title: "Resource", values: run.resource },
      ]}
    />
  );
}

/** Names of the API for what is named for reading here. */
const FIELDS: Record<string, string> = {
  started: "start_time",
  ended: "end_time",
  "first token": "first_token_time",
  "parent run id": "parent_run_id",
  user: "user_id",
  thread: "thread_id",
};

/** To the version of the prompt that the run was made with. */
function PromptLink({ run }: { run: Run }) {
  const { lc_hub_repo: name, lc_hub_commit_hash: commit } = run.metadata;
  if (typeof name !== "string" || typeof commit !== "string") return null;
  const params = { project: run.project.name, name };
  return (
    <Link
      to="/p/$project/prompts/$name"
      params={params}
      search={{ commit: commit.slice(0, 8) }}
      className={styles.prompt}
    >
      Open the prompt
    </Link>
  );
}

const spanSource = (name: string) => <From field={FIELDS[name] ?? name} />;
const metadataSource = (run: Run) => (name: string) => (
  <>
    <From field={`metadata.${name}`} />
    {name === "lc_hub_commit_hash" ? <PromptLink run={run} /> : null}
  </>
);
const usageSource = (name: string) => <From field={usageField(name)} />;
const costSource = (name: string) => <From field={costField(name)} />;

const usageField = (name: string): string =>
  /^(?:input|output) · /.test(name) ? `usage.${name.replace(" · ", "_details.")}` : `usage.${name}_tokens`;

const costField = (name: string): string => `cost.${name.replace("detail · ", "details.")}`;

/** The exact decimals, and where they come from. */
function costOf(run: Run): Record<string, unknown> {
  if (!run.cost) return {};
  const { input, output, total, details, source } = run.cost;
  const from = { priced: "price list", reported: "reported by the client", unpriced: "unknown", none: null }[
    source.kind
  ];
  return {
    total: total && `$${total}`,
    input: input && `$${input}`,
    output: output && `$${output}`,
    ...Object.fromEntries(Object.entries(details).map(([name, value]) => [`detail · ${name}`, `$${value}`])),
    source: from,
    price: source.kind === "priced" ? source.price_id : null,
    reason: source.kind === "unpriced" ? unpricedReason(source.reason, run.model) : null,
  };
}
