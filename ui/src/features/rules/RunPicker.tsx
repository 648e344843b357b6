import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useId, useState } from "react";
import { messageOf } from "@/lib/api/client";
import { fetchRuns, runQuery, skeletonQuery } from "@/lib/api/queries";
import { formatAgo } from "@/lib/format";
import { shownName } from "@/lib/visible-text";
import { TypeIcon } from "@/components/TypeIcon";
import { parseRunAddress } from "./run-link";
import styles from "./RunPicker.module.css";

const LATEST = 30;

interface Props {
  project: string;
  trace: string | undefined;
  run: string | undefined;
  onRun: (trace: string | undefined, run: string | undefined) => void;
}

/** Which stored run a rule is tried on: one of the latest, or a pasted link. */
export function RunPicker({ project, trace, run, onRun }: Props) {
  const id = useId();
  const [pasted, setPasted] = useState("");
  const [bad, setBad] = useState(false);
  const latest = useQuery({
    queryKey: ["runs", project, "latest"],
    queryFn: ({ signal }) => fetchRuns(project, { t: "30d", sort: "-start", limit: LATEST }, signal),
  });
  const root = useQuery({ ...skeletonQuery(trace ?? "", project), enabled: trace !== undefined && run === undefined });
  const rootId = root.data?.runs.id[0];
  const chosen = run ?? rootId;
  const runs = latest.data?.runs ?? [];
  const listed = runs.some((row) => row.run_id === run);
  const paste = (text: string) => {
    setPasted(text);
    const address = parseRunAddress(text);
    setBad(text.trim() !== "" && address === null);
    if (address) onRun(address.trace, address.run);
  };
  return (
    <div className={styles.picker}>
      <label htmlFor={`${id}-latest`}>Latest runs of {project}</label>
      <select
        id={`${id}-latest`}
        value={listed ? `${trace} ${run}` : ""}
        onChange={(event) => {
          const [nextTrace, nextRun] = event.target.value.split(" ");
          setPasted("");
          setBad(false);
          onRun(nextTrace || undefined, nextRun);
        }}
      >
        <option value="">
          {latest.isPending ? "Loading" : runs.length === 0 ? "None in 30 days" : "Choose a run"}
        </option>
        {runs.map((row) => (
          <option key={row.run_id} value={`${row.trace_id} ${row.run_id}`}>
            {[shownName(row.name), row.model, formatAgo(row.start_time)].filter(Boolean).join(" · ")}
          </option>
        ))}
      </select>
      <label htmlFor={`${id}-paste`}>or paste a link or ids</label>
      <input
        id={`${id}-paste`}
        className="mono"
        value={pasted}
        placeholder={`${location.origin}/app/p/…`}
        spellCheck={false}
        aria-invalid={bad}
        aria-describedby={bad ? `${id}-bad` : undefined}
        onChange={(event) => paste(event.target.value)}
      />
      {bad ? (
        <p id={`${id}-bad`} className={styles.bad} role="alert">
          No trace id in it. Copy the link of a span, or its trace id and span id.
        </p>
      ) : null}
      {root.isError ? <p className={styles.bad}>{messageOf(root.error)}</p> : null}
      {trace && run === undefined && rootId ? <UseRoot onUse={() => onRun(trace, rootId)} /> : null}
      {trace && chosen ? <Chosen project={project} trace={trace} run={chosen} /> : null}
    </div>
  );
}

/** A link without a span names the root; saying so beats choosing in silence. */
function UseRoot({ onUse }: { onUse: () => void }) {
  return (
    <p className={styles.note}>
      The link names no span.{" "}
      <button type="button" onClick={onUse}>
        Use the trace’s root
      </button>
    </p>
  );
}

function Chosen({ project, trace, run }: { project: string; trace: string; run: string }) {
  const { data, error } = useQuery(runQuery(trace, run, project, "any"));
  if (error) return <p className={styles.bad}>{messageOf(error)}</p>;
  if (!data) return null;
  return (
    <p className={styles.chosen}>
      <TypeIcon type={data.run_type} />
      <Link
        to="/p/$project/traces/$traceId"
        params={{ project: data.project.name, traceId: trace }}
        search={{ span: run }}
      >
        {shownName(data.name)}
      </Link>
      <span>{[data.model, data.scope?.name].filter(Boolean).join(" · ")}</span>
    </p>
  );
}
