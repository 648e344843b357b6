import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ChevronRight, ListTree, TriangleAlert } from "lucide-react";
import { useState } from "react";
import type { QueueItem } from "@/lib/api/annotation";
import { type FeedbackConfig, feedbackQuery, isAbout } from "@/lib/api/feedback";
import { runQuery } from "@/lib/api/queries";
import type { Payload, Run } from "@/lib/api/types";
import { type ErrorText, errorText } from "@/lib/error-text";
import { formatAgo, formatDateTime, formatDollars, formatDuration, plural } from "@/lib/format";
import { shownName, shownValue, showTurns } from "@/lib/visible-text";
import { Bones } from "@/components/Bones";
import { MessageList } from "@/components/chat/MessageList";
import { SentText } from "@/components/SentText";
import { Score } from "@/components/feedback/Scores";
import { ErrorState } from "@/components/Notice";
import { PayloadView } from "@/components/PayloadView";
import { StatusPill, Tag } from "@/components/Tag";
import { TypeIcon } from "@/components/TypeIcon";
import styles from "./ItemView.module.css";

/** Before the last messages, a long history starts folded. */
const LAST_MESSAGES = 4;

/** The run of an item does not change any more, or not in a way that matters to who labels it. */
export const itemRunQuery = (item: QueueItem) => runQuery(item.trace_id, item.id, item.session_id, "annotate");

/** What is to be judged: what went in, what came out. */
export function ItemView({ project, item, configs }: { project: string; item: QueueItem; configs: FeedbackConfig[] }) {
  const { data: run, error, isError, refetch } = useQuery(itemRunQuery(item));
  const given = useQuery(feedbackQuery([item.id])).data?.filter((one) => isAbout(one, item.trace_id, item.id)) ?? [];
  if (isError) return <ErrorState title="The run could not be loaded" error={error} onRetry={() => void refetch()} />;
  return (
    <article className={styles.item} aria-label={shownName(item.name)}>
      <header className={styles.head}>
        {run ? <TypeIcon type={run.run_type} large /> : null}
        <h2 className="ellipsis" title={shownName(item.name)}>
          {shownName(item.name)}
        </h2>
        {run ? <StatusPill status={run.status} /> : null}
        <span className="grow" />
        <Link
          className={styles.open}
          to="/p/$project/traces/$traceId"
          params={{ project: run?.project.name ?? project, traceId: item.trace_id }}
          search={{ span: item.id }}
          target="_blank"
          title="Opens the trace in a new tab"
        >
          <ListTree size={13} aria-hidden />
          Open trace
          <ChevronRight size={12} aria-hidden />
        </Link>
      </header>
      <p className={styles.facts}>
        {run ? (
          <>
            <span title={formatDateTime(run.start_time)}>{formatAgo(run.start_time)}</span>
            <span>{formatDuration(run.latency_us)}</span>
            {run.cost?.total ? <span>{formatDollars(run.cost.total)}</span> : null}
            {run.model ? <span>{showTurns(run.model)}</span> : null}
            {run.user_id ? <span>user {shownValue(run.user_id)}</span> : null}
            {run.thread_id ? <Thread project={run.project.name} run={run} threadId={run.thread_id} /> : null}
            {run.tags.map((tag) => (
              <Tag key={tag}>{shownValue(tag)}</Tag>
            ))}
          </>
        ) : null}
        {given.map((one) => (
          <Score key={one.id} feedback={one} configs={configs} />
        ))}
      </p>
      {run ? <Payloads run={run} /> : <Bones count={2} height={140} />}
    </article>
  );
}

const Thread = ({ project, threadId, run }: { project: string; threadId: string; run: Run }) => (
  <Link
    to="/p/$project/threads/$threadId"
    params={{ project, threadId }}
    search={{ turn: run.trace_id }}
    target="_blank"
    title="Opens the conversation in a new tab"
  >
    thread {shownValue(threadId)}
  </Link>
);

function Payloads({ run }: { run: Run }) {
  return (
    <>
      <Side key={`${run.run_id} in`} title="Input" field="inputs" payload={run.inputs} />
      {run.error ? <ErrorBox {...errorText(run.error, run.error_type)} /> : null}
      <Side key={`${run.run_id} out`} title="Output" field="outputs" payload={run.outputs} />
    </>
  );
}

const ErrorBox = ({ title, rest }: ErrorText) => (
  <div className={styles.error} role="alert">
    <b>
      <TriangleAlert size={13} aria-hidden />
      <span>
        <SentText text={title} />
      </span>
    </b>
    {rest ? (
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a region that scrolls has to be reachable
      <pre tabIndex={0}>
        <SentText text={rest} />
      </pre>
    ) : null}
  </div>
);

function Side({ title, field, payload }: { title: string; field: string; payload: Payload }) {
  const [all, setAll] = useState(false);
  const { messages, rest } = payload;
  const hidden = all ? 0 : Math.max(0, messages.length - LAST_MESSAGES);
  const nothing = isNothing(rest);
  return (
    <section className={styles.side} aria-label={title}>
      <h3>{title}</h3>
      {hidden > 0 ? (
        <button type="button" className={styles.earlier} onClick={() => setAll(true)}>
          <ChevronRight size={12} aria-hidden />
          {plural(hidden, "earlier message")}
        </button>
      ) : null}
      <MessageList messages={hidden > 0 ? messages.slice(hidden) : messages} />
      {nothing ? null : (
        <PayloadView
          title={messages.length > 0 ? `Other ${title.toLowerCase()}` : title}
          field={field}
          value={rest}
          maxHeight={600}
        />
      )}
      {messages.length === 0 && nothing ? <p className={styles.none}>Nothing was recorded.</p> : null}
    </section>
  );
}

const isNothing = (value: unknown): boolean =>
  value === null ||
  value === undefined ||
  value === "" ||
  (typeof value === "object" && Object.keys(value).length === 0);
