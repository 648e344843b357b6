//! Everything about one log record: the whole text, its attributes, where it came from.

import type { ReactNode } from "react";
import type { LogRow } from "@/lib/api/telemetry";
import { printJson } from "@/lib/api/json";
import { formatDuration, formatInstant } from "@/lib/format";
import { valueText } from "@/lib/log-text";
import { CopyButton } from "@/components/CopyButton";
import { JsonView } from "@/components/JsonView";
import { SentText } from "@/components/SentText";
import styles from "./LogDetail.module.css";

/** What a record and a span event have in common. */
export type Detailed = Pick<LogRow, "time" | "body" | "attributes"> & Partial<LogRow>;

interface Props {
  record: Detailed;
  /** Links and filters of the page. */
  actions?: ReactNode;
}

export function LogDetail({ record, actions }: Props) {
  const { body, attributes, resource } = record;
  return (
    <div className={styles.detail}>
      <div className={styles.line}>
        <Facts record={record} />
        {actions}
        <CopyButton text={() => printJson(record)} label="Copy JSON" />
      </div>
      <Body body={body} />
      <Values title="Attributes" values={attributes} />
      {resource && Object.keys(resource).length > 0 ? (
        <details className={styles.fold}>
          <summary>Resource</summary>
          <Values values={resource} />
        </details>
      ) : null}
    </div>
  );
}

function Facts({ record }: { record: Detailed }) {
  const { time, observed_time: observed, severity, severity_text: word, scope } = record;
  const facts: [string, string][] = [["Time", formatInstant(time)]];
  if (observed && observed !== time)
    facts.push(["Observed", `${formatDuration(Math.abs(observed - time))} ${observed > time ? "later" : "earlier"}`]);
  if (severity || word)
    facts.push(["Severity", word && severity ? `${word} (${severity})` : (word ?? String(severity))]);
  if (record.service) facts.push(["Service", record.service]);
  if (scope?.name) facts.push(["Logger", [scope.name, scope.version].filter(Boolean).join(" ")]);
  return (
    <dl className={styles.facts}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd className="num">
            <SentText text={value} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Body({ body }: { body: unknown }) {
  if (body === null || body === undefined || body === "") return null;
  if (typeof body === "object") return <JsonView data={body} maxHeight={320} label="Body" />;
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a region that scrolls has to be reachable
    <pre className={styles.body} tabIndex={0} aria-label="Body" role="region">
      <SentText text={valueText(body)} />
    </pre>
  );
}

function Values({ title, values }: { title?: string; values: Record<string, unknown> }) {
  const rows = Object.entries(values);
  if (rows.length === 0) return null;
  return (
    <section>
      {title ? <h3 className={styles.title}>{title}</h3> : null}
      <dl className={styles.values}>
        {rows.map(([name, value]) => {
          const text = valueText(value, 2);
          return (
            <div key={name}>
              <dt>
                <SentText text={name} />
              </dt>
              <dd>
                <span>
                  <SentText text={text === "" ? "–" : text} />
                </span>
                <CopyButton text={text} label={`Copy ${name}`} size={11} />
              </dd>
            </div>
          );
        })}
      </dl>
    </section>
  );
}
