import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { feedbackConfigsQuery } from "@/lib/api/feedback";
import type { ThreadRow } from "@/lib/api/threads";
import { cx } from "@/lib/cx";
import { formatAgo, formatCost, formatDateTime, formatDuration, formatInt, formatTokens, UNKNOWN } from "@/lib/format";
import { MeanScores } from "@/components/feedback/Scores";
import styles from "./ThreadTable.module.css";

interface Props {
  project: string;
  threads: ThreadRow[];
  /** The row that the keys are at; −1 for none. */
  at: number;
  /** There are more. */
  onMore?: () => void;
}

export function ThreadTable({ project, threads, at, onMore }: Props) {
  const body = useRef<HTMLTableSectionElement>(null);
  useEffect(() => {
    if (at >= 0) body.current?.children[at]?.scrollIntoView({ block: "nearest" });
  }, [at]);
  const foot = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!onMore || !foot.current) return;
    const observer = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && onMore(), {
      rootMargin: "600px",
    });
    observer.observe(foot.current);
    return () => observer.disconnect();
  }, [onMore]);
  return (
    <div className={styles.scroll}>
      <table className={styles.table} aria-label="Threads, the one used last first">
        <thead>
          <tr>
            <th scope="col">Last turn</th>
            <th scope="col">Thread</th>
            <th scope="col" className={styles.said}>
              First question and last answer
            </th>
            <th scope="col">Turns</th>
            <th scope="col">Failed</th>
            <th scope="col">Lasted</th>
            <th scope="col">Tokens</th>
            <th scope="col">Cost</th>
            <th scope="col" className={styles.scores}>
              Feedback
            </th>
          </tr>
        </thead>
        <tbody ref={body}>
          {threads.map((thread, index) => (
            <Row key={thread.thread_id} project={project} thread={thread} current={index === at} />
          ))}
        </tbody>
      </table>
      <div ref={foot} className={styles.more} aria-hidden />
    </div>
  );
}

const microseconds = (iso: string): number => Date.parse(iso) * 1000;

function Row({ project, thread, current }: { project: string; thread: ThreadRow; current: boolean }) {
  const configs = useQuery(feedbackConfigsQuery()).data ?? [];
  const [first, last] = [microseconds(thread.min_start_time), microseconds(thread.max_start_time)];
  return (
    <tr className={cx(current && styles.current)} aria-selected={current || undefined}>
      <td className={styles.time}>
        <time dateTime={thread.max_start_time} title={`${formatDateTime(first)} – ${formatDateTime(last)}`}>
          {formatAgo(last)}
        </time>
      </td>
      <td className={styles.id}>
        <Link
          to="/p/$project/threads/$threadId"
          params={{ project, threadId: thread.thread_id }}
          title={thread.thread_id}
          className="mono"
        >
          {thread.thread_id}
        </Link>
      </td>
      <td className={styles.said}>
        <div>
          <span>{thread.first_inputs ?? UNKNOWN}</span>
          {thread.last_outputs === null && thread.last_error ? (
            <span className={styles.bad} title={thread.last_error}>
              {thread.last_error}
            </span>
          ) : (
            <span className={styles.answer}>{thread.last_outputs}</span>
          )}
        </div>
      </td>
      <td>{formatInt(thread.count)}</td>
      <td className={thread.num_errored_turns > 0 ? styles.bad : undefined}>
        {thread.num_errored_turns > 0 ? formatInt(thread.num_errored_turns) : ""}
      </td>
      <td>{thread.count > 1 ? formatDuration(last - first) : ""}</td>
      <td title={`${formatInt(thread.total_tokens)} tokens`}>{formatTokens(thread.total_tokens)}</td>
      <td>{thread.total_cost === null ? UNKNOWN : formatCost(thread.total_cost * 1e9)}</td>
      <td className={styles.scores}>
        <MeanScores stats={thread.feedback_stats} configs={configs} />
      </td>
    </tr>
  );
}
