import { Link } from "@tanstack/react-router";
import type { Run } from "@/lib/api/types";
import { JsonView } from "@/components/JsonView";
import type { TraceState } from "../state/useTraceState";
import detail from "./Detail.module.css";
import styles from "./Events.module.css";

/** Spans that this one refers to, in this trace or another. */
export function Links({ run, state }: { run: Run; state: TraceState }) {
  const here = state.model.skeleton.trace_id.replaceAll("-", "");
  return (
    <div className={detail.stack}>
      {run.links.map((link) => (
        <article key={`${link.trace_id} ${link.span_id}`} className={styles.event}>
          <header>
            <b>{link.trace_id.replaceAll("-", "") === here ? "This trace" : "Another trace"}</b>
            <span className="grow" />
            <Link to="/t/$traceId/$runId" params={{ traceId: link.trace_id, runId: link.span_id }} className="mono">
              {link.span_id}
            </Link>
          </header>
          {Object.keys(link.attributes).length > 0 ? (
            <div className={styles.values}>
              <JsonView data={link.attributes} maxHeight={200} label="Attributes of the link" />
            </div>
          ) : null}
        </article>
      ))}
    </div>
  );
}
