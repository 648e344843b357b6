import { printJson } from "@/lib/api/json";
import { cx } from "@/lib/cx";
import { plural } from "@/lib/format";
import { CopyButton } from "@/components/CopyButton";
import { PayloadView } from "@/components/PayloadView";
import { RoleCard } from "@/components/RoleCard";
import { type PromptContent, type PromptMessage, segmentsOfPart, type TextPart, textOf } from "./manifest";
import styles from "./MessagesView.module.css";

/** The prompt as the model gets it, with its variables marked; beside it how the model is called. */
export function MessagesView({ content }: { content: Extract<PromptContent, { kind: "chat" | "text" }> }) {
  const { messages, variables, model, schema } = content;
  return (
    <div className={styles.columns}>
      <div className={styles.messages}>
        {messages.map((message, index) => (
          // oxlint-disable-next-line react/no-array-index-key -- messages have no identity but their place
          <Message key={index} message={message} />
        ))}
      </div>
      <aside className={styles.aside} aria-label="Variables and model">
        <h3>{variables.length === 0 ? "No variables" : plural(variables.length, "variable")}</h3>
        <ul className={styles.variables}>
          {variables.map((name) => (
            <li key={name} className="mono">
              {name}
            </li>
          ))}
        </ul>
        {model ? (
          <>
            <h3>Model</h3>
            <dl className={styles.settings}>
              <div>
                <dt>class</dt>
                <dd className="mono">{model.name}</dd>
              </div>
              {model.settings.map(([key, value]) => (
                <div key={key}>
                  <dt>{key}</dt>
                  <dd className="mono">{typeof value === "string" ? value : printJson(value, 0)}</dd>
                </div>
              ))}
            </dl>
          </>
        ) : null}
        {schema ? <PayloadView title="Schema of the answer" field="prompt.schema" value={schema} /> : null}
      </aside>
    </div>
  );
}

function Message({ message }: { message: PromptMessage }) {
  const { placeholder, parts } = message;
  if (placeholder)
    return (
      <p className={styles.placeholder}>
        The messages of <span className={cx(styles.variable, "mono")}>{placeholder.variable}</span>
        {placeholder.optional ? ", if there are any" : ""}
      </p>
    );
  return (
    <RoleCard who={message.role} actions={<CopyButton text={() => textOf(message)} label="Copy message" size={11} />}>
      {parts.map((part, index) =>
        part.kind === "text" ? (
          // oxlint-disable-next-line react/no-array-index-key -- parts have no identity but their place
          <Template key={index} part={part} />
        ) : (
          <PayloadView key={index} title={part.label} field="prompt.part" value={part.data} />
        ),
      )}
    </RoleCard>
  );
}

function Template({ part }: { part: TextPart }) {
  const segments = segmentsOfPart(part);
  if (segments.length === 0) return <p className={styles.none}>Empty.</p>;
  return (
    <div className={styles.template}>
      {segments.map(({ text, kind }, index) =>
        kind === "text" ? (
          text
        ) : (
          // oxlint-disable-next-line react/no-array-index-key -- stretches have no identity but their place
          <span
            key={index}
            className={styles[kind]}
            title={kind === "escape" ? "A brace of the text itself" : undefined}
          >
            {text}
          </span>
        ),
      )}
    </div>
  );
}
