import type { Run } from "@/lib/api/types";
import { PayloadView } from "@/components/PayloadView";
import { Tag } from "@/components/Tag";
import styles from "./Detail.module.css";
import { From } from "./From";
import { KeyValues } from "./KeyValues";

interface Tool {
  name: string;
  definition: unknown;
}

/** What the call asked for: model, sampling, and the tools on offer, called ones first. */
export function Parameters({ run }: { run: Run }) {
  const { tools: _, functions: __, ...rest } = run.invocation_params ?? {};
  const params = {
    ...(run.model ? { model: run.model } : {}),
    ...(run.provider ? { provider: run.provider } : {}),
    ...rest,
  };
  const called = new Set(run.outputs.messages.flatMap((message) => message.tool_calls ?? []).map((call) => call.name));
  const tools = toolsOf(run).toSorted((a, b) => Number(called.has(b.name)) - Number(called.has(a.name)));
  return (
    <>
      <KeyValues groups={[{ title: "Parameters", values: params, aside: paramSource }]} />
      {tools.length > 0 ? (
        <div className={styles.stack}>
          {tools.map((tool) => (
            <div key={tool.name}>
              <PayloadView
                title={tool.name}
                field="tool"
                value={tool.definition}
                maxHeight={240}
                note={called.has(tool.name) ? <Tag>called</Tag> : undefined}
              />
            </div>
          ))}
        </div>
      ) : null}
    </>
  );
}

const paramSource = (name: string) => (
  <From field={name === "model" || name === "provider" ? name : `invocation_params.${name}`} />
);

/** Tools in the forms providers use: `{function: {name}}`, `{name}`, or a map by name. */
function toolsOf(run: Run): Tool[] {
  const raw = run.invocation_params?.tools ?? run.invocation_params?.functions;
  const list: unknown[] = Array.isArray(raw) ? raw : [];
  return list.map((definition, index) => {
    const tool = definition as { name?: unknown; function?: { name?: unknown } } | null;
    const name = tool?.function?.name ?? tool?.name;
    return { name: typeof name === "string" ? name : `tool ${index + 1}`, definition };
  });
}
