import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { RefreshCw } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { messageOf } from "@/lib/api/client";
import { type RemapJob, remapsQuery, startRemap } from "@/lib/api/rules";
import { formatInt, plural } from "@/lib/format";
import { Button } from "@/components/Button";
import { Choice } from "@/components/Choice";
import styles from "./Remap.module.css";

const SPANS = [
  { value: "24h", label: "the past 24 hours" },
  { value: "7d", label: "the past 7 days" },
  { value: "30d", label: "the past 30 days" },
  { value: "all", label: "all time" },
] as const;

interface Props {
  project: string;
  /** Rules were changed since stored runs were mapped. */
  behind: boolean;
  onStarted: () => void;
}

/** Applies the rules of today to stored runs, in the background. */
export function Remap({ project, behind, onStarted }: Props) {
  const client = useQueryClient();
  const [since, setSince] = useState<string>("7d");
  const jobs = useQuery(remapsQuery());
  const job = jobs.data?.find((one) => one.project === project);
  const running = jobs.data?.find((one) => one.state === "running");
  const start = useMutation({
    mutationFn: () => startRemap(project, since === "all" ? null : since),
    onSuccess: onStarted,
    onSettled: () => client.invalidateQueries({ queryKey: ["remaps"] }),
  });
  useRefreshWhenDone(running?.id);
  return (
    <section className={styles.remap} aria-labelledby="remap-title">
      <h2 id="remap-title">Map stored runs again</h2>
      <p>
        {behind
          ? "You changed the rules: stored runs still show what the old ones gave."
          : "Applies the rules to runs that are stored already. What clients sent stays as it is."}
      </p>
      <div className={styles.line}>
        <Choice label="Runs of" value={since} options={SPANS} onChange={setSince} />
        <Button
          look={behind ? "primary" : "plain"}
          icon={<RefreshCw size={13} aria-hidden />}
          disabled={running !== undefined || start.isPending}
          onClick={() => start.mutate()}
        >
          Map {project} again
        </Button>
      </div>
      {start.isError ? (
        <p className={styles.failed} role="alert">
          {messageOf(start.error)}
        </p>
      ) : null}
      {running && running.project !== project ? (
        <p>Runs of {running.project} are being mapped again; one project at a time.</p>
      ) : null}
      {job ? <Progress job={job} /> : null}
    </section>
  );
}

/** Pages that show runs ask again when a job ended. */
function useRefreshWhenDone(running: string | undefined): void {
  const client = useQueryClient();
  const before = useRef(running);
  useEffect(() => {
    if (before.current !== undefined && before.current !== running) {
      for (const queryKey of [["skeleton"], ["run"], ["rule-trial"], ["stats"]])
        void client.invalidateQueries({ queryKey });
    }
    before.current = running;
  }, [client, running]);
}

function Progress({ job }: { job: RemapJob }) {
  const { state, traces_done: done, traces_total: total } = job;
  return (
    <div className={styles.job} role="status">
      {state === "running" ? (
        <progress max={total ?? undefined} value={total === null ? undefined : done} aria-label="Traces mapped again" />
      ) : null}
      <p className={state === "failed" ? styles.failed : undefined}>
        {state === "failed" ? `It stopped: ${job.error ?? "for a reason that is not known"}. ` : null}
        {state === "running"
          ? `${formatInt(done)}${total === null ? "" : ` of ${formatInt(total)}`} traces, `
          : `${state === "done" ? "Done: " : ""}${plural(done, "trace")}, `}
        {plural(job.runs_seen, "run")} read, <b>{formatInt(job.runs_changed)} changed</b>
        {job.runs_skipped > 0 ? `, ${formatInt(job.runs_skipped)} left alone because they changed meanwhile` : null}.
      </p>
    </div>
  );
}
