import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus, SquarePen, Trash2 } from "lucide-react";
import { useState } from "react";
import { ApiError } from "@/lib/api/client";
import {
  createFeedback,
  deleteFeedback,
  type Feedback,
  type FeedbackConfig,
  feedbackConfigsQuery,
  feedbackQuery,
  isAbout,
  refreshFeedback,
  updateFeedback,
} from "@/lib/api/feedback";
import { cx } from "@/lib/cx";
import { formatAgo, formatInstant } from "@/lib/format";
import { scoreText, toneOf } from "@/lib/score";
import { Button, IconButton } from "../Button";
import { ConfirmDialog } from "../ConfirmDialog";
import { JsonView } from "../JsonView";
import { Markdown } from "../Markdown";
import { ErrorState } from "../Notice";
import { FeedbackForm } from "./FeedbackForm";
import styles from "./FeedbackPanel.module.css";
import { configOf } from "./Scores";

interface Props {
  projectId: string;
  traceId: string;
  runId: string;
}

/** What was said of a run, by whom and when; to be added to, changed and taken back. */
export function FeedbackPanel({ projectId, traceId, runId }: Props) {
  const client = useQueryClient();
  const query = useQuery(feedbackQuery([runId]));
  const configs = useQuery(feedbackConfigsQuery()).data ?? [];
  const [adding, setAdding] = useState(false);
  const list = query.data?.filter((one) => isAbout(one, traceId, runId));
  const refresh = () => refreshFeedback(client);
  if (query.isError && !list)
    return (
      <ErrorState title="The feedback could not be loaded" error={query.error} onRetry={() => void query.refetch()} />
    );
  if (!list) return null;
  return (
    <div className={styles.panel}>
      {adding ? (
        <FeedbackForm
          onSubmit={(given) => createFeedback({ ...given, run_id: runId, trace_id: traceId, session_id: projectId })}
          onDone={() => {
            setAdding(false);
            void refresh();
          }}
          onCancel={() => setAdding(false)}
        />
      ) : (
        <div className={styles.line}>
          {list.length === 0 ? <p>Nobody has said anything about this span.</p> : null}
          <span className="grow" />
          <Button icon={<Plus size={13} aria-hidden />} onClick={() => setAdding(true)}>
            Give feedback
          </Button>
        </div>
      )}
      {list.map((one) => (
        <Card key={one.id} feedback={one} configs={configs} onChanged={() => void refresh()} />
      ))}
    </div>
  );
}

interface CardProps {
  feedback: Feedback;
  configs: FeedbackConfig[];
  onChanged: () => void;
}

function Card({ feedback, configs, onChanged }: CardProps) {
  const [editing, setEditing] = useState(false);
  const [leaving, setLeaving] = useState(false);
  const { id, key, comment, correction, created_at, modified_at } = feedback;
  if (editing)
    return (
      <FeedbackForm
        feedback={feedback}
        onSubmit={({ score, value, comment: words }) => updateFeedback(id, { score, value, comment: words })}
        onDone={() => {
          setEditing(false);
          onChanged();
        }}
        onCancel={() => setEditing(false)}
      />
    );
  const config = configOf(configs, key);
  const tone = toneOf(feedback.score, config);
  const text = scoreText(feedback, config);
  const created = Date.parse(created_at) * 1000;
  const changed = Date.parse(modified_at) * 1000 - created > 1e6;
  return (
    <article className={cx(styles.card, feedback.error && styles.failed)} aria-label={`Feedback ${key}`}>
      <header>
        <b className="ellipsis">{key}</b>
        {text ? (
          <span className={cx(styles.score, tone && styles[tone])} title={scoreTitle(feedback)}>
            {text}
          </span>
        ) : null}
        <span className="grow" />
        <span className={styles.who}>{sourceOf(feedback)}</span>
        <time
          title={formatInstant(created) + (changed ? `\nchanged ${formatAgo(Date.parse(modified_at) * 1000)}` : "")}
        >
          {formatAgo(created)}
        </time>
        <IconButton label={`Change ${key}`} onClick={() => setEditing(true)}>
          <SquarePen size={12} aria-hidden />
        </IconButton>
        <IconButton label={`Delete ${key}`} onClick={() => setLeaving(true)}>
          <Trash2 size={12} aria-hidden />
        </IconButton>
      </header>
      {feedback.error ? <p className={styles.bad}>The evaluator failed before it could judge.</p> : null}
      {comment ? (
        <div className={styles.comment}>
          <Markdown text={comment} />
        </div>
      ) : null}
      {feedback.value !== null && typeof feedback.value === "object" ? (
        <Json title="Value" data={feedback.value} />
      ) : null}
      {correction !== null && correction !== undefined ? <Correction data={correction} /> : null}
      {leaving ? (
        <ConfirmDialog
          title="Delete this feedback?"
          action="Delete feedback"
          onConfirm={() => deleteFeedback(id).catch(goneAlready)}
          onDone={() => {
            setLeaving(false);
            onChanged();
          }}
          onClose={() => setLeaving(false)}
        >
          <p>
            <b>
              {key} {text}
            </b>
            , given {formatAgo(created)}. This cannot be undone.
          </p>
        </ConfirmDialog>
      ) : null}
    </article>
  );
}

/** Somebody else was faster. */
function goneAlready(error: unknown): void {
  if (!(error instanceof ApiError) || error.status !== 404) throw error;
}

const scoreTitle = ({ score }: Feedback): string | undefined => (score === null ? undefined : `score ${String(score)}`);

const SOURCES: Record<string, string> = { app: "by hand", model: "by an evaluator", api: "over the API" };

function sourceOf({ feedback_source: source }: Feedback): string {
  if (source?.user_name) return source.user_name;
  const type = source?.type ?? "";
  return SOURCES[type] ?? type;
}

function Correction({ data }: { data: unknown }) {
  if (typeof data !== "string") return <Json title="Should have been" data={data} />;
  return (
    <div className={styles.comment}>
      <h4>Should have been</h4>
      <Markdown text={data} />
    </div>
  );
}

const Json = ({ title, data }: { title: string; data: unknown }) => (
  <div className={styles.json}>
    <h4>{title}</h4>
    <JsonView data={data} maxHeight={240} label={title} />
  </div>
);
