import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ArrowRight, CircleAlert } from "lucide-react";
import { diagnosticsQuery } from "@/lib/api/queries";
import type { Diagnostic } from "@/lib/api/types";
import { formatAgo, formatDollars, formatDuration, plural } from "@/lib/format";
import { shownName } from "@/lib/visible-text";
import { RunningDot } from "@/components/Tag";
import styles from "./SetupPage.module.css";
import type { Arrival } from "./useArrival";

const POLL_MS = 2_000;
const SHOWN = 4;

/** The live line: waiting, then the trace that came; and what was refused meanwhile. */
export function Waiting({ arrival, first, offline }: { arrival: Arrival | null; first: boolean; offline: boolean }) {
  return (
    <section className={styles.waiting} aria-label="Arrivals">
      <div role="status">
        {arrival ? (
          <Arrived arrival={arrival} />
        ) : (
          <p className={styles.line}>
            <RunningDot />
            {offline
              ? "The server does not answer. Trying again…"
              : `Waiting for the ${first ? "first" : "next"} trace…`}
          </p>
        )}
      </div>
      <Refused />
    </section>
  );
}

function Arrived({ arrival: { project, trace } }: { arrival: Arrival }) {
  return (
    <Link
      className={styles.arrived}
      to="/p/$project/traces/$traceId"
      params={{ project, traceId: trace.trace_id }}
      preload="render"
    >
      <b>{shownName(trace.name)}</b>
      <span>
        arrived in {project}: {plural(trace.run_count, "run")}
        {trace.latency_us === null ? "" : `, ${formatDuration(trace.latency_us)}`}
        {trace.cost === null ? "" : `, ${formatDollars(trace.cost)}`}
      </span>
      <span className="grow" />
      Open
      <ArrowRight size={14} aria-hidden />
    </Link>
  );
}

/** Requests that came and were refused in the last ten minutes, as the server saw them. */
function Refused() {
  const query = useQuery({ ...diagnosticsQuery(), refetchInterval: POLL_MS });
  const events = (query.data ?? []).toSorted((a, b) => b.time - a.time).slice(0, SHOWN);
  if (events.length === 0) return null;
  return (
    <div className={styles.refused}>
      <h2>Something arrived and was refused</h2>
      <ul>
        {events.map((event) => (
          <RefusedItem key={`${event.time} ${event.path} ${event.reason}`} event={event} />
        ))}
      </ul>
    </div>
  );
}

function RefusedItem({ event }: { event: Diagnostic }) {
  return (
    <li>
      <CircleAlert size={14} aria-hidden />
      <p>
        <b>{event.hint ?? event.reason}</b>
        <small>
          <code>{event.path}</code> answered {event.status}
          {event.hint ? `: ${event.reason}` : ""} · {formatAgo(event.time)}
        </small>
      </p>
    </li>
  );
}
