//! The logs without records: nothing sent yet, or nothing that matches.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ScrollText, SearchX } from "lucide-react";
import { fetchLogs } from "@/lib/api/telemetry";
import { rangeLabel } from "@/lib/time-range";
import { Button } from "@/components/Button";
import { EmptyState } from "@/components/Notice";
import { Code } from "@/components/Code";
import type { LogsSearch } from "./search";

interface Props {
  project: string;
  search: LogsSearch;
  t: string;
  set: (patch: LogsSearch) => void;
}

const CLEARED: LogsSearch = {
  q: undefined,
  severity: undefined,
  service: undefined,
  trace: undefined,
  record: undefined,
};

export function Nothing({ project, search, t, set }: Props) {
  const any = useQuery({
    queryKey: ["logs", project, "any"],
    queryFn: ({ signal }) => fetchLogs(project, { t: "all", limit: 1 }, signal),
  });
  if (any.isPending) return null;
  if (any.data && any.data.logs.length === 0) return <NothingYet />;
  const { q, severity, service, trace, record } = search;
  const filtered = Boolean(q ?? severity ?? service ?? trace ?? record);
  return (
    <EmptyState
      icon={<SearchX size={24} aria-hidden />}
      title="No records match"
      actions={
        <>
          {filtered ? <Button onClick={() => set(CLEARED)}>Clear the filter</Button> : null}
          {t !== "all" ? <Button onClick={() => set({ t: "all" })}>Show all time</Button> : null}
        </>
      }
    >
      <p>
        This project has log records, but none {filtered ? "that match the filter " : ""}in “{rangeLabel(t)}”.
      </p>
    </EmptyState>
  );
}

function NothingYet() {
  const endpoint = new URL("/v1/logs", location.origin).href;
  return (
    <EmptyState icon={<ScrollText size={24} aria-hidden />} title="No logs yet">
      <p>
        OpenTelemetry log records appear here, and on their trace when they carry its id. Send them like{" "}
        <Link to="/setup">traces</Link>, to this address:
      </p>
      <Code code={`OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=${endpoint}`} />
    </EmptyState>
  );
}
