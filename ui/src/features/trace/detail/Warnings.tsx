import type { Run } from "@/lib/api/types";
import { plural } from "@/lib/format";
import { unpricedReason } from "@/lib/unpriced";
import { modelOf, type TraceModel, unpricedOf } from "../model/types";
import styles from "./Detail.module.css";

/** What makes the numbers of this span incomplete: a missing price, and fields that could not be read. */
export function Warnings({ t, i, run }: { t: TraceModel; i: number; run: Run | undefined }) {
  const s = t.run[i];
  const code = run?.cost?.source.kind === "unpriced" ? run.cost.source.reason : unpricedOf(t, s);
  const reason = code === null ? null : unpricedReason(code, modelOf(t, s));
  const issues = run?.issues ?? [];
  if (!reason && issues.length === 0) return null;
  return (
    <div className={styles.warnings} role="note">
      {reason ? (
        <p>
          <b>Cost unknown:</b> {reason}. The totals count this call as missing, not as free.
        </p>
      ) : null}
      {issues.length > 0 ? (
        <p>
          <b>{plural(issues.length, "field")} could not be read as meant;</b> what was sent is under Attributes.
        </p>
      ) : null}
      {issues.map((issue) => (
        <p key={`${issue.kind} ${issue.field}`}>
          <span className="mono">{issue.field}</span>: {issue.message}
        </p>
      ))}
    </div>
  );
}
