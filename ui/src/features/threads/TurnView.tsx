import { useQuery } from "@tanstack/react-query";
import { Bot, ThumbsDown, TriangleAlert } from "lucide-react";
import { memo, type ReactNode, type RefObject, useEffect, useMemo, useRef } from "react";
import { messageOf } from "@/lib/api/client";
import type { Feedback, FeedbackConfig } from "@/lib/api/feedback";
import { runQuery } from "@/lib/api/queries";
import type { TraceRow } from "@/lib/api/types";
import { answerOf, questionOf } from "@/lib/conversation";
import { previewLine } from "@/lib/text";
import { cx } from "@/lib/cx";
import { errorText } from "@/lib/error-text";
import { formatDateTime, formatDollars, formatDuration, formatInt, formatTokens } from "@/lib/format";
import { scoreText, toneOf } from "@/lib/score";
import { configOf, Score } from "@/components/feedback/Scores";
import { SentText } from "@/components/SentText";
import { Said } from "./Said";
import { ToolCalls } from "./ToolCalls";
import styles from "./TurnView.module.css";
import { useNear, useSlice } from "./useNear";

/** Changes whenever more of the turn has arrived. */
export const versionOf = (turn: TraceRow): string => `${turn.status} ${turn.run_count} ${turn.latency_us ?? ""}`;

interface Props {
  project: string;
  turn: TraceRow;
  index: number;
  selected: boolean;
  tools: boolean;
  feedback: Feedback[];
  configs: FeedbackConfig[];
  onSelect: (index: number) => void;
}

/**
 * A turn of the transcript. Far from what is seen it is only an empty space of its last height; while it flies by, the
 * beginnings of what was said.
 */
export const TurnView = memo(function TurnView(props: Props) {
  const { turn, index, selected, onSelect } = props;
  const ref = useRef<HTMLElement>(null);
  const { near, still } = useNear(ref);
  useEffect(() => {
    const element = ref.current;
    if (!still || !element) return;
    const observer = new ResizeObserver(() => element.style.setProperty("--height", `${element.offsetHeight}px`));
    observer.observe(element);
    return () => observer.disconnect();
  }, [still]);
  return (
    // The keys j and k do the same.
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions
    <article
      ref={ref}
      className={cx(styles.turn, selected && styles.selected)}
      aria-label={`Turn ${index + 1}`}
      aria-current={selected}
      data-turn={turn.trace_id}
      onClick={() => {
        if (!selected && getSelection()?.isCollapsed) onSelect(index);
      }}
    >
      {still ? <Content {...props} place={ref} /> : near ? <Glimpse turn={turn} /> : null}
    </article>
  );
});

/** A turn that failed has no answer, whatever was said on the way. */
const answerPreview = (turn: TraceRow): string =>
  turn.status === "error" ? "" : previewLine(turn.output_preview ?? "");

/** All that is known without asking for the run. */
const Glimpse = ({ turn }: { turn: TraceRow }) => (
  <>
    <Speaker who="user">
      <div className={styles.question}>
        <p>{previewLine(turn.input_preview ?? "")}</p>
      </div>
    </Speaker>
    <Speaker who="assistant">
      <p className={styles.none}>{answerPreview(turn)}</p>
    </Speaker>
  </>
);

function Content({ project, turn, tools, feedback, configs, place }: Props & { place: RefObject<HTMLElement | null> }) {
  const version = versionOf(turn);
  const { data, error } = useQuery({
    ...runQuery(turn.trace_id, turn.root_run_id, project, version),
    // A turn that goes on does not fall back to its beginning.
    placeholderData: (old) => old,
  });
  const run = useSlice(place, data);
  const question = useMemo(() => run && questionOf(run), [run]);
  const answer = useMemo(() => run && answerOf(run), [run]);
  const silent = answer && answer.messages.length === 0 && answer.text === null && answer.rest === null;
  return (
    <>
      <Speaker who="user" whole={run !== undefined || error !== null}>
        <div className={styles.question}>
          {/* Until the whole run is here, its beginning is. */}
          {question ? <Said said={question} label="Input" /> : <p>{previewLine(turn.input_preview ?? "")}</p>}
        </div>
        <Complaints feedback={feedback} configs={configs} />
        <ToolCalls project={project} turn={turn} version={version} all={tools} />
        {turn.error ? <Failure turn={turn} whole={turn.status === "error" ? run?.error : null} /> : null}
      </Speaker>
      <Speaker who="assistant">
        {error ? (
          <p className={styles.none}>The messages could not be loaded: {messageOf(error)}</p>
        ) : answer === undefined ? (
          <p className={styles.none}>{answerPreview(turn)}</p>
        ) : silent ? (
          <p className={styles.none}>
            {turn.status === "pending" ? "The answer has not arrived yet." : "No answer was returned."}
          </p>
        ) : (
          <div className={styles.answer}>
            <Said said={answer} label="Output" />
          </div>
        )}
        <p className={styles.meta} title={formatDateTime(turn.start_time)}>
          <span>
            {formatDuration(turn.latency_us)} · {turn.unpriced_count > 0 ? "≥ " : ""}
            {formatDollars(turn.cost)} ·{" "}
            <span title={`${formatInt(turn.input_tokens)} input tokens`}>{formatTokens(turn.input_tokens)} in</span>
          </span>
          {feedback.map((one) => (
            <Score key={one.id} feedback={one} configs={configs} />
          ))}
        </p>
      </Speaker>
    </>
  );
}

function Speaker({ who, whole, children }: { who: "user" | "assistant"; whole?: boolean; children: ReactNode }) {
  return (
    <div className={styles.speaker} data-whole={whole || undefined}>
      <span className={cx(styles.face, who === "assistant" && styles.bot)}>
        {who === "user" ? <span aria-hidden>U</span> : <Bot size={13} aria-hidden />}
        <span className="sr">{who === "user" ? "User:" : "Assistant:"}</span>
      </span>
      <div className={styles.said}>{children}</div>
    </div>
  );
}

/** People who were not content are heard beside what they said. */
function Complaints({ feedback, configs }: { feedback: Feedback[]; configs: FeedbackConfig[] }) {
  const bad = feedback.filter(
    (one) => one.feedback_source?.type !== "model" && toneOf(one.score, configOf(configs, one.key)) === "bad",
  );
  return bad.map((one) => (
    <p key={one.id} className={styles.complaint}>
      <ThumbsDown size={12} aria-hidden />
      {one.key}: {scoreText(one, configOf(configs, one.key))}
      {one.comment ? <span>“{one.comment}”</span> : null}
    </p>
  ));
}

function Failure({ turn, whole }: { turn: TraceRow; whole: string | null | undefined }) {
  const text = whole ?? turn.error ?? "";
  const { title, rest } = turn.status === "error" ? errorText(text, null) : { title: text, rest: "" };
  return (
    <div className={styles.failure}>
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
}
