import type { Run } from "@/lib/api/types";
import { unpricedReason } from "@/lib/unpriced";
import { modelOf, type TraceModel, unpricedOf } from "../model/types";
import styles from "./Detail.module.css";

/** What makes the numbers of this span incomplete: a missing price. */
export function Warnings({ t, i, run }: { t: TraceModel; i: number; run: Run | undefined }) {
  const s = t.run[i];
  const code = run?.cost?.source.kind === "unpriced" ? run.cost.source.reason : unpricedOf(t, s);
  const reason = code === null ? null : unpricedReason(code, modelOf(t, s));
  if (!reason) return null;
  return (
    <div className={styles.warnings} role="note">
      <p>
        <b>Cost unknown:</b> {reason}. The totals count this call as missing, not as free.
      </p>
    </div>
  );
}
