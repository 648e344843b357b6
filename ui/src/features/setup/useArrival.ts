//! Watches for a trace that arrives while the page is open.

import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useTraceEvents } from "@/lib/api/events";
import { fetchTraces, projectsQuery } from "@/lib/api/queries";
import type { Project, TraceRow } from "@/lib/api/types";

const POLL_MS = 700;

export interface Arrival {
  project: string;
  trace: TraceRow;
}

/** Runs and traces of a project in a form that changes whenever something arrives. */
const mark = (project: Project): string => `${project.last_run_at ?? ""} ${project.trace_count}`;

/** The newest trace of the project that changed last since the page was opened. */
export function useArrival(): { arrival: Arrival | null; projects: Project[] | undefined; offline: boolean } {
  const projects = useQuery({ ...projectsQuery(), refetchInterval: POLL_MS, staleTime: 0 });
  // The busiest project tells by itself; new projects and the others are seen by the poll.
  useTraceEvents(
    projects.data?.find((project) => project.last_run_at !== null)?.name ?? null,
    () => void projects.refetch(),
  );
  const before = useRef<Map<string, string> | null>(null);
  const [arrival, setArrival] = useState<Arrival | null>(null);
  const { data } = projects;
  useEffect(() => {
    if (!data) return;
    const known = before.current;
    before.current = new Map(data.map((project) => [project.id, mark(project)]));
    if (known === null) return;
    const changed = data.find((project) => project.last_run_at !== null && known.get(project.id) !== mark(project));
    if (!changed) return;
    const stop = new AbortController();
    fetchTraces(changed.name, { limit: 1, t: "all" }, stop.signal)
      .then(({ traces }) => traces[0] && setArrival({ project: changed.name, trace: traces[0] }))
      // The next poll sees the project again: forget what was noted.
      .catch(() => before.current?.delete(changed.id));
    return () => stop.abort();
  }, [data]);
  return { arrival, projects: data, offline: projects.isError };
}
