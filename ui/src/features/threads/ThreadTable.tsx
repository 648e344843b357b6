import { Link } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import type { ThreadRow } from "@/lib/api/types";
import { cx } from "@/lib/cx";
import {
  formatAgo,
  formatDateTime,
  formatDollars,
  formatDuration,
  formatInstant,
  formatInt,
  formatTokens,
  UNKNOWN,
  unpricedCalls,
} from "@/lib/format";
import { previewLine } from "@/lib/text";
import { shownValue, showTurns } from "@/lib/visible-text";
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
            <th scope="col" className={styles.user}>
              User
            </th>
            <th scope="col" className={styles.said}>
              First question and last answer
            </th>
            <th scope="col">Turns</th>
            <th scope="col">Failed</th>
            <th scope="col">Lasted</th>
            <th scope="col">Tokens</th>
            <th scope="col">Cost</th>
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

function Row({ project, thread, current }: { project: string; thread: ThreadRow; current: boolean }) {
  const { start_time: first, last_time: last, status } = thread;
  const failed = status === "error" && thread.last_error !== null;
  return (
    <tr className={cx(current && styles.current)} aria-selected={current || undefined}>
      <td className={styles.time}>
        <time dateTime={formatInstant(last)} title={`${formatDateTime(first)} – ${formatDateTime(last)}`}>
          {formatAgo(last)}
        </time>
      </td>
      <td className={styles.id}>
        <Link
          to="/p/$project/threads/$threadId"
          params={{ project, threadId: thread.thread_id }}
          title={shownValue(thread.thread_id)}
          className="mono"
        >
          {shownValue(thread.thread_id)}
        </Link>
      </td>
      <td className={styles.user} title={thread.user_id === null ? undefined : shownValue(thread.user_id)}>
        {thread.user_id === null ? null : shownValue(thread.user_id)}
      </td>
      <td className={styles.said}>
        <div>
          <span>{thread.first_input_preview ? previewLine(thread.first_input_preview) : UNKNOWN}</span>
          {failed ? (
            <span className={styles.bad} title={showTurns(thread.last_error ?? "")}>
              {showTurns(thread.last_error ?? "")}
            </span>
          ) : (
            <span className={styles.answer}>
              {thread.last_output_preview ? previewLine(thread.last_output_preview) : status === "pending" ? "…" : ""}
            </span>
          )}
        </div>
      </td>
      <td>
        {formatInt(thread.turn_count)}
        <span className={styles.unit}>{thread.turn_count === 1 ? " turn" : " turns"}</span>
      </td>
      <td className={thread.error_count > 0 ? styles.bad : undefined}>
        {thread.error_count > 0 ? (
          <>
            {formatInt(thread.error_count)}
            <span className={styles.unit}> failed</span>
          </>
        ) : null}
      </td>
      <td>{thread.turn_count > 1 ? formatDuration(last - first) : ""}</td>
      <td title={thread.total_tokens === null ? undefined : `${formatInt(thread.total_tokens)} tokens`}>
        {formatTokens(thread.total_tokens)}
      </td>
      <td title={thread.unpriced_count > 0 ? unpricedCalls(thread.unpriced_count) : undefined}>
        {thread.unpriced_count > 0 && thread.cost !== null ? "≥ " : ""}
        {formatDollars(thread.cost)}
      </td>
    </tr>
  );
}
