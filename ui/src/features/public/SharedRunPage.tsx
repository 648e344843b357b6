import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { Link2Off, TriangleAlert } from "lucide-react";
import { useMemo } from "react";
import { ApiError } from "@/lib/api/client";
import { MAX_SHARED_RUNS, type SharedRun, sharedRunQuery, sharedRunsQuery } from "@/lib/api/sharing";
import { useCommands } from "@/lib/commands";
import { formatDateTime, formatDollars, formatDuration, formatInstant, formatTokens, plural } from "@/lib/format";
import { useTitle } from "@/lib/title";
import { shownName, shownValue } from "@/lib/visible-text";
import { CopyButton } from "@/components/CopyButton";
import { ErrorBoundary } from "@/components/ErrorBoundary";
import { EmptyState, ErrorState } from "@/components/Notice";
import { Page, PageBar } from "@/components/PageBar";
import { SentText } from "@/components/SentText";
import { StatusPill, Tag } from "@/components/Tag";
import { TypeIcon, typeLook } from "@/components/TypeIcon";
import { Payload } from "./Payload";
import { RunTree } from "./RunTree";
import styles from "./Shared.module.css";
import { latencyOf, microsOf, treeRows } from "./tree";

const route = getRouteApi("/public/$token/r");

/** A shared run, or the turns of a shared thread, for whoever has the link: read-only and without a key. */
export function SharedRunPage() {
  const { token } = route.useParams();
  const { span } = route.useSearch();
  const navigate = route.useNavigate();
  const query = useQuery(sharedRunsQuery(token));
  const rows = useMemo(() => treeRows(query.data ?? []), [query.data]);
  const at = Math.max(
    0,
    rows.findIndex((row) => row.run.id === span),
  );
  const top = rows[0]?.run;
  useTitle(top ? `${top.name}, shared` : "Shared run");
  const select = (index: number) => {
    const run = rows[Math.min(rows.length - 1, Math.max(0, index))]?.run;
    if (run) void navigate({ search: { span: run === top ? undefined : run.id }, replace: true });
  };
  useCommands([
    {
      id: "next",
      title: "Next span",
      group: "Spans",
      keys: ["j", "ArrowDown"],
      keysOnly: true,
      run: () => select(at + 1),
    },
    {
      id: "prev",
      title: "Previous span",
      group: "Spans",
      keys: ["k", "ArrowUp"],
      keysOnly: true,
      run: () => select(at - 1),
    },
    { id: "first", title: "First span", group: "Spans", keys: ["Home"], keysOnly: true, run: () => select(0) },
  ]);
  if (query.isError || (query.data && rows.length === 0)) return <Gone error={query.error} what="run" />;
  return (
    <Page busy={query.isPending}>
      <PageBar current={top?.name ?? "Shared run"}>
        {top ? (
          <>
            <StatusPill status={top.status} />
            <span className={styles.identity} title={formatInstant(microsOf(top.start_time))}>
              {formatDateTime(microsOf(top.start_time))} · {rows.length === MAX_SHARED_RUNS ? "the first " : ""}
              {plural(rows.length, "span")} · shared, read-only
            </span>
          </>
        ) : null}
      </PageBar>
      {top ? (
        <div className={styles.body}>
          <RunTree rows={rows} selected={at} onSelect={select} />
          <ErrorBoundary title="The span could not be shown" resetKey={rows[at].run.id}>
            <Detail token={token} run={rows[at].run} />
          </ErrorBoundary>
        </div>
      ) : null}
    </Page>
  );
}

/** One sentence for guessed, malformed and withdrawn links: the server tells them apart for nobody. */
export function Gone({ error, what }: { error: unknown; what: string }) {
  const absent = !error || (error instanceof ApiError && error.status === 404);
  return (
    <Page>
      <PageBar current={`Shared ${what}`} />
      {absent ? (
        <EmptyState icon={<Link2Off size={24} aria-hidden />} title="This link leads nowhere">
          <p>
            Nothing is shared under this address any more, or it is not complete. Ask whoever sent it for a new one.
          </p>
        </EmptyState>
      ) : (
        <ErrorState title={`The shared ${what} could not be loaded`} error={error} />
      )}
    </Page>
  );
}

function Detail({ token, run }: { token: string; run: SharedRun }) {
  const query = useQuery(sharedRunQuery(token, run.id));
  const whole = query.data?.id === run.id ? query.data : undefined;
  return (
    <section className={styles.detail} aria-label="Span details" aria-busy={whole === undefined && !query.isError}>
      <header className={styles.head}>
        <div className={styles.title}>
          <TypeIcon type={run.run_type} large />
          <h2>{shownName(run.name)}</h2>
          <StatusPill status={run.status} />
          <span className="grow" />
          <CopyButton text={run.id} label="Copy run id" />
        </div>
        <p className={styles.facts}>
          {typeLook(run.run_type).label} · {formatDuration(latencyOf(run))}
          {run.total_cost === null ? null : <> · {formatDollars(run.total_cost)}</>}
          {run.total_tokens === null ? null : (
            <>
              {" · "}
              {formatTokens(run.prompt_tokens)} in, {formatTokens(run.completion_tokens)} out
            </>
          )}
          {run.tags.map((tag) => (
            <Tag key={tag}>{shownValue(tag)}</Tag>
          ))}
        </p>
      </header>
      {run.error ? (
        <div className={styles.error} role="alert">
          <TriangleAlert size={13} aria-hidden />
          <pre>
            <SentText text={run.error} />
          </pre>
        </div>
      ) : null}
      {query.isError ? (
        <ErrorState title="This span could not be loaded" error={query.error} onRetry={() => void query.refetch()} />
      ) : null}
      {whole ? (
        <div className={styles.payloads}>
          <Payload title="Input" value={whole.inputs} none="No input was recorded for this span." />
          <Payload
            title="Output"
            value={whole.outputs}
            none={
              run.status === "pending" ? "The output has not arrived yet." : "No output was recorded for this span."
            }
          />
          <Payload title="Metadata" value={whole.extra?.metadata} />
        </div>
      ) : null}
    </section>
  );
}
