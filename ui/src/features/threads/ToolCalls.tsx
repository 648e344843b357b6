import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ChevronRight, ListTree } from "lucide-react";
import { useMemo } from "react";
import { toolsQuery } from "@/lib/api/threads";
import type { RunRow, TraceRow } from "@/lib/api/types";
import { previewLine } from "@/lib/text";
import { shownName, showTurns } from "@/lib/visible-text";
import { cx } from "@/lib/cx";
import { formatDuration, formatInt, plural } from "@/lib/format";
import { TypeIcon } from "@/components/TypeIcon";
import { chipsOf } from "./measures";
import styles from "./ToolCalls.module.css";

/** Written out up to here: the trace has the rest. */
const MAX_LINES = 100;

interface Props {
  project: string;
  turn: TraceRow;
  version: string;
  /** Every call on a line of its own. */
  all: boolean;
}

/** The tools of a turn as chips, red when a call failed, and the way into the trace. */
export function ToolCalls({ project, turn, version, all }: Props) {
  // A trace of one run has no tools in it.
  const query = useQuery({ ...toolsQuery(project, turn.trace_id, version), enabled: turn.run_count > 1 });
  const runs = query.data?.runs;
  const chips = useMemo(() => chipsOf(runs ?? []), [runs]);
  return (
    <>
      <div className={styles.chips}>
        {chips.map(({ name, count, failed }) => (
          <span
            key={name}
            className={cx(styles.chip, failed > 0 && styles.failed)}
            title={failed > 0 ? `${shownName(name)}: ${failed} of ${plural(count, "call")} failed` : shownName(name)}
          >
            <TypeIcon type="tool" />
            <span className="ellipsis">{shownName(name)}</span>
            {count > 1 ? <small>×{formatInt(count)}</small> : null}
          </span>
        ))}
        {query.data?.cut ? <span className={styles.note}>and more</span> : null}
        <Link
          className={styles.open}
          to="/p/$project/traces/$traceId"
          params={{ project, traceId: turn.trace_id }}
          title="Open the trace of this turn"
        >
          <ListTree size={13} aria-hidden />
          {plural(turn.run_count, "span")}
          <ChevronRight size={12} aria-hidden />
        </Link>
      </div>
      {query.isError ? <p className={styles.note}>The tool calls could not be loaded: {query.error.message}</p> : null}
      {all && runs && runs.length > 0 ? <Lines project={project} runs={runs} /> : null}
    </>
  );
}

function Lines({ project, runs }: { project: string; runs: RunRow[] }) {
  return (
    <ol className={styles.lines} aria-label="Tool calls">
      {runs.slice(0, MAX_LINES).map((run) => (
        <li key={run.run_id}>
          <Link
            to="/p/$project/traces/$traceId"
            params={{ project, traceId: run.trace_id }}
            search={{ span: run.run_id }}
            className={cx(run.status === "error" && styles.failed)}
          >
            <b className="ellipsis">{shownName(run.name)}</b>
            <span className="ellipsis">{previewLine(run.input_preview ?? "")}</span>
            <span className={cx("ellipsis", run.status === "error" && styles.bad)}>
              {run.status === "error"
                ? showTurns(run.error ?? "")
                : run.status === "pending"
                  ? "still running"
                  : previewLine(run.output_preview ?? "")}
            </span>
            <span>{formatDuration(run.latency_us)}</span>
          </Link>
        </li>
      ))}
      {runs.length > MAX_LINES ? (
        <li className={styles.note}>{formatInt(runs.length - MAX_LINES)} more calls are in the trace.</li>
      ) : null}
    </ol>
  );
}
