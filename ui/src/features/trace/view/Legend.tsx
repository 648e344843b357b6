import { formatInt } from "@/lib/format";
import { typeLook } from "@/components/TypeIcon";
import type { TraceState } from "../state/useTraceState";
import styles from "./layout.module.css";

const ORDER = ["agent", "llm", "tool", "retriever", "embedding", "chain", "guardrail"];

/** The types that occur in this trace, and how much of it is on screen. */
export function Legend({ state }: { state: TraceState }) {
  const { model: t, count } = state;
  const present = new Set(t.skeleton.runs.type.map((index) => t.skeleton.dict[index]));
  const shown = ORDER.filter((type) => present.has(type));
  return (
    <footer className={styles.legend}>
      {shown.map((type) => (
        <span key={type} className={styles.type}>
          <i style={{ background: `var(${typeLook(type).color})` }} />
          {typeLook(type).label}
        </span>
      ))}
      {t.skeleton.totals.error_count > 0 ? (
        <span className={styles.type}>
          <i style={{ background: "var(--err)" }} />
          Error
        </span>
      ) : null}
      <span className="grow" />
      <span className="num">
        {formatInt(count)} rows of {formatInt(t.runs)} spans
      </span>
      <span>
        <kbd>?</kbd>keys
      </span>
    </footer>
  );
}
