//! A look at one row without leaving the list.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ArrowUpRight, X } from "lucide-react";
import type { ReactNode } from "react";
import { runQuery, verdictQuery } from "@/lib/api/queries";
import type { Payload } from "@/lib/api/types";
import { formatDateTime, formatDollars, formatDuration, formatInt, formatTokens, plural } from "@/lib/format";
import { previewLine } from "@/lib/text";
import { shownName, shownValue, showTurns } from "@/lib/visible-text";
import { Button, IconButton } from "@/components/Button";
import { CopyButton } from "@/components/CopyButton";
import { ErrorState } from "@/components/Notice";
import { StatusPill, Tag } from "@/components/Tag";
import { TypeIcon } from "@/components/TypeIcon";
import styles from "./Peek.module.css";
import { excerpt } from "./excerpt";
import type { ListRow } from "./rows";

interface Props {
  project: string;
  row: ListRow;
  onClose: () => void;
  onOpen: (row: ListRow) => void;
}

export function Peek({ project, row, onClose, onOpen }: Props) {
  return (
    <aside className={styles.peek} aria-label={`Peek: ${shownName(row.name)}`}>
      <header>
        <TypeIcon type={row.type} large />
        <h2 title={shownName(row.name)}>{shownName(row.name)}</h2>
        <StatusPill status={row.status} />
        <span className="grow" />
        <CopyButton text={row.traceId} label="Copy trace id" />
        <Button icon={<ArrowUpRight size={13} aria-hidden />} onClick={() => onOpen(row)}>
          Open
        </Button>
        <IconButton label="Close" keyHint="Esc" onClick={onClose}>
          <X size={14} aria-hidden />
        </IconButton>
      </header>
      <div className={styles.body}>
        <Numbers row={row} />
        {row.error ? <p className={styles.error}>{showTurns(row.error)}</p> : null}
        {row.runs === null ? null : <Findings project={project} row={row} />}
        <Payloads project={project} row={row} />
        <Facts row={row} />
      </div>
    </aside>
  );
}

function Numbers({ row }: { row: ListRow }) {
  const items: [string, string, string?][] = [
    [
      "Latency",
      formatDuration(row.latency),
      row.firstToken === null ? undefined : `first token ${formatDuration(row.firstToken)}`,
    ],
    [
      "Cost",
      `${row.unpriced ? "≥ " : ""}${formatDollars(row.cost)}`,
      row.unpriced ? "some calls are unpriced" : undefined,
    ],
    [
      "Tokens",
      formatTokens(row.tokens),
      row.tokens === null ? undefined : `${formatTokens(row.inputTokens)} in · ${formatTokens(row.outputTokens)} out`,
    ],
  ];
  if (row.runs !== null)
    items.push(["Runs", formatInt(row.runs), row.errors > 0 ? `${formatInt(row.errors)} failed` : undefined]);
  return (
    <dl className={styles.numbers}>
      {items.map(([name, value, note]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
          {note ? <dd className={styles.small}>{note}</dd> : null}
        </div>
      ))}
    </dl>
  );
}

const version = (row: ListRow): string => `list-${row.status}-${row.runs ?? 0}-${row.latency ?? 0}`;

/** The same sentences that open the trace page. */
function Findings({ project, row }: { project: string; row: ListRow }) {
  const query = useQuery(verdictQuery(row.traceId, project, version(row)));
  const findings = query.data?.findings ?? [];
  if (findings.length === 0) return null;
  return (
    <ul className={styles.findings}>
      {findings.slice(0, 3).map((finding) => (
        <li key={finding.rule + finding.run_id}>
          <Link
            to="/p/$project/traces/$traceId"
            params={{ project, traceId: row.traceId }}
            search={{ span: finding.run_id, axis: finding.axis === "time" ? undefined : finding.axis }}
          >
            <b>{finding.title}</b>
            {showTurns(finding.text)}
          </Link>
        </li>
      ))}
    </ul>
  );
}

function Payloads({ project, row }: { project: string; row: ListRow }) {
  const query = useQuery(runQuery(row.traceId, row.runId, project, version(row)));
  if (query.isError)
    return <ErrorState title="The run could not be loaded" error={query.error} onRetry={() => void query.refetch()} />;
  const run = query.data;
  return (
    <>
      <Side title="Input" payload={run?.inputs} preview={row.input} loading={query.isPending} />
      {row.status === "error" && !row.output ? null : (
        <Side title="Output" payload={run?.outputs} preview={row.output} loading={query.isPending} last />
      )}
    </>
  );
}

interface SideProps {
  title: string;
  payload: Payload | undefined;
  preview: string | null;
  loading: boolean;
  /** Show the last messages instead of the first. */
  last?: boolean;
}

function Side({ title, payload, preview, loading, last }: SideProps) {
  const { parts, hidden } = excerpt(payload, last === true);
  let content: ReactNode;
  if (parts.length > 0)
    content = parts.map((part, index) => (
      // oxlint-disable-next-line react/no-array-index-key -- messages have no id
      <div key={index} className={styles.message}>
        {part.role ? <b>{part.role}</b> : null}
        <p>{part.text}</p>
      </div>
    ));
  else if (preview) content = <p className={styles.message}>{previewLine(preview)}</p>;
  else if (loading) content = <div className={styles.ghost} />;
  else content = <p className={styles.small}>Nothing was recorded.</p>;
  return (
    <section>
      <h3>
        {title}
        {hidden > 0 ? <span>{plural(hidden, "more message", "more messages")}</span> : null}
      </h3>
      {content}
    </section>
  );
}

function Facts({ row }: { row: ListRow }) {
  const facts: [string, ReactNode][] = [["Started", formatDateTime(row.start)]];
  const add = (name: string, value: string | null) => value && facts.push([name, shownValue(value)]);
  add("Model", row.models.join(", "));
  add("User", row.user);
  add("Thread", row.thread);
  add("Environment", row.environment);
  add("Service", row.service);
  if (row.tags.length > 0)
    facts.push([
      "Tags",
      <span key="tags" className={styles.tags}>
        {row.tags.map((tag) => (
          <Tag key={tag}>{shownValue(tag)}</Tag>
        ))}
      </span>,
    ]);
  for (const [key, value] of Object.entries(row.metadata).slice(0, 20))
    facts.push([shownValue(key), shownValue(typeof value === "string" ? value : JSON.stringify(value))]);
  return (
    <section>
      <h3>Facts</h3>
      <dl className={styles.facts}>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
