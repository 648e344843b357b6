//! Cells that are more than a number.

import { useQuery } from "@tanstack/react-query";
import { feedbackConfigsQuery } from "@/lib/api/feedback";
import { formatDateTime, formatInstant, formatTime } from "@/lib/format";
import { cx } from "@/lib/cx";
import { MeanScores } from "@/components/feedback/Scores";
import { Tag } from "@/components/Tag";
import type { ListRow } from "./rows";
import { previewLine } from "@/lib/text";
import { shownValue, showTurns } from "@/lib/visible-text";
import { isToday } from "@/lib/time-range";
import styles from "./RowTable.module.css";

/** The clock; the day too when it is not today. */
export function TimeCell({ us }: { us: number }) {
  const text = isToday(us) ? formatTime(us) : formatDateTime(us);
  return (
    <time className={styles.time} dateTime={formatInstant(us)} title={`${formatDateTime(us)}\n${formatInstant(us)}`}>
      {text}
    </time>
  );
}

/** Values that a click of the right button filters by. */
export function ValueCell({
  field,
  values,
  mono,
  tags,
  shown = (value) => value,
}: {
  field: string;
  values: string[];
  mono?: boolean;
  tags?: boolean;
  /** How a value is written; the whole of it is in the tooltip. */
  shown?: (value: string) => string;
}) {
  if (values.length === 0) return null;
  if (tags)
    return (
      <span className={styles.tags} title={values.map(shownValue).join(", ")}>
        {values.slice(0, 4).map((value) => (
          <span key={value} data-field={field} data-value={value}>
            <Tag>{shownValue(value)}</Tag>
          </span>
        ))}
      </span>
    );
  return (
    <span
      className={cx("ellipsis", mono && "mono")}
      data-field={field}
      data-value={values[0]}
      title={values.map(shownValue).join(", ")}
    >
      <bdi>{shownValue(shown(values[0]))}</bdi>
      {values.length > 1 ? <span className={styles.more}> +{values.length - 1}</span> : null}
    </span>
  );
}

/** What went in and what came out, on one line. An error takes the place of the output. */
export function InputOutput({ row }: { row: ListRow }) {
  const output =
    row.status === "error" && row.error ? (
      <span className={styles.error} title={showTurns(row.error)}>
        {showTurns(row.error)}
      </span>
    ) : (
      <span className={styles.output}>
        {row.output ? previewLine(row.output) : row.status === "pending" ? "…" : ""}
      </span>
    );
  return (
    <span className={styles.io}>
      <span className={styles.input}>{row.input && previewLine(row.input)}</span>
      {output}
    </span>
  );
}

/** What was said of it, by key. */
export function FeedbackCell({ row }: { row: ListRow }) {
  const configs = useQuery(feedbackConfigsQuery()).data ?? [];
  return <MeanScores figures={row.feedback} configs={configs} />;
}
