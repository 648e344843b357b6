import type { RetrievedDocument, Run } from "@/lib/api/types";
import styles from "@/components/chat/Chat.module.css";
import { MessageList } from "@/components/chat/MessageList";
import { SourceContext, useSourceSwitch } from "@/components/chat/source";
import type { TraceState } from "../state/useTraceState";
import { Documents } from "./Documents";
import { empty, Rest, Side as SideHead } from "./Messages";

/** What went in and what came out, as it was sent; documents of retrievers as documents. */
export function InputOutput({ run, state }: { run: Run; state: TraceState }) {
  const source = useSourceSwitch();
  const documents = documentsOf(run);
  const nothingIn = run.inputs.messages.length === 0 && empty(run.inputs.rest);
  const nothingOut = run.outputs.messages.length === 0 && empty(run.outputs.rest);
  return (
    <SourceContext value={source}>
      <div className={styles.chat}>
        <SideHead title="input" field={["inputs.messages", "inputs"]} />
        <MessageList messages={run.inputs.messages} />
        {empty(run.inputs.rest) ? null : <Rest side="inputs" run={run} state={state} />}
        {nothingIn ? <p className={styles.none}>No input was recorded for this span.</p> : null}
        <SideHead
          title="output"
          field={["outputs.messages", "outputs", "outputs.documents"]}
          always={run.inputs.messages.length > 0}
        />
        <MessageList messages={run.outputs.messages} />
        {documents ? <Documents documents={documents} /> : null}
        {documents || empty(run.outputs.rest) ? null : <Rest side="outputs" run={run} state={state} />}
        {nothingOut ? (
          <p className={styles.none}>
            {run.status === "pending" ? "The output has not arrived yet." : "No output was recorded for this span."}
          </p>
        ) : null}
      </div>
    </SourceContext>
  );
}

/** Documents, when that is all the output holds; with anything else beside them the payload viewer shows everything. */
function documentsOf(run: Run): RetrievedDocument[] | null {
  const rest = run.outputs.rest as { documents?: unknown } | null;
  const list = rest && typeof rest === "object" ? rest.documents : undefined;
  if (!Array.isArray(list) || list.length === 0) return null;
  const good = list.every(
    (item) => item && typeof item === "object" && typeof (item as RetrievedDocument).page_content === "string",
  );
  return good && Object.keys(rest as object).length === 1 ? (list as RetrievedDocument[]) : null;
}
