import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useEffect, useId, useRef, useState } from "react";
import { type Feedback, feedbackConfigsQuery } from "@/lib/api/feedback";
import { cx } from "@/lib/cx";
import { formatScore, type Label, labelsOf, readScore } from "@/lib/score";
import { FormEnd } from "../Form";
import forms from "../Form.module.css";
import styles from "./FeedbackForm.module.css";
import { configOf } from "./Scores";

export interface Given {
  key: string;
  score: number | boolean | null;
  value: string | null;
  comment: string | null;
}

interface Props {
  /** What is changed; nothing for new feedback. */
  feedback?: Feedback;
  onSubmit: (given: Given) => Promise<unknown>;
  onDone: () => void;
  onCancel: () => void;
}

/** Feedback by hand: the key's labels to choose from, or a number, and a comment. */
export function FeedbackForm({ feedback, onSubmit, onDone, onCancel }: Props) {
  const id = useId();
  const configs = useQuery(feedbackConfigsQuery()).data ?? [];
  const [key, setKey] = useState(feedback?.key ?? "");
  const [comment, setComment] = useState(feedback?.comment ?? "");
  const config = configOf(configs, key.trim());
  const labels = labelsOf(config);
  const [picked, setPicked] = useState<Label | null>(null);
  const [touched, setTouched] = useState(false);
  const start = feedback ? labels.find((label) => isLabel(label, feedback)) : undefined;
  const label = touched ? picked : (start ?? null);
  const [number, setNumber] = useState(
    feedback?.score === null || !feedback ? "" : formatScore(Number(feedback.score)),
  );
  const { score, problem } = readScore(number, config);
  const inWords = config?.feedback_config.type === "freeform";
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    form.current?.querySelector<HTMLElement>("input:not(:read-only), textarea")?.focus();
  }, []);
  const save = useMutation({ mutationFn: onSubmit, onSuccess: onDone });
  const given: Given = {
    key: key.trim(),
    score: labels.length > 0 ? (label?.score ?? null) : inWords ? null : scoreOf(feedback, number, score),
    value: labels.length > 0 ? (label?.text ?? null) : keptValue(feedback),
    comment: comment.trim() || null,
  };
  const empty = given.score === null && given.value === null && given.comment === null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (given.key !== "" && !empty && problem === null) save.mutate(given);
  };
  return (
    // Escape is for those who are in a field; the button does the same.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <form
      ref={form}
      className={styles.form}
      onSubmit={submit}
      aria-label={feedback ? `Change ${feedback.key}` : "New feedback"}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        onCancel();
      }}
    >
      {feedback ? null : (
        <div className={forms.field}>
          <label htmlFor={`${id}k`}>Key</label>
          <input
            id={`${id}k`}
            list={`${id}l`}
            value={key}
            placeholder="correctness"
            spellCheck={false}
            autoCapitalize="off"
            onChange={(event) => {
              setKey(event.target.value);
              setTouched(false);
            }}
          />
          <datalist id={`${id}l`}>
            {configs.map((one) => (
              <option key={one.feedback_key}>{one.feedback_key}</option>
            ))}
          </datalist>
        </div>
      )}
      {labels.length > 0 ? (
        <div className={styles.labels} role="group" aria-label="Score">
          {labels.map((one) => (
            <button
              key={one.text}
              type="button"
              className={cx(one === label && styles.picked)}
              aria-pressed={one === label}
              onClick={() => {
                setTouched(true);
                setPicked(one === label ? null : one);
              }}
            >
              {one.text}
            </button>
          ))}
        </div>
      ) : inWords ? null : (
        <div className={forms.field}>
          <label htmlFor={`${id}s`}>Score</label>
          <input
            id={`${id}s`}
            className={styles.number}
            value={number}
            inputMode="decimal"
            autoComplete="off"
            placeholder={config ? `${config.feedback_config.min ?? 0} to ${config.feedback_config.max ?? 1}` : "0 to 1"}
            aria-invalid={problem !== null}
            onChange={(event) => setNumber(event.target.value)}
          />
          {problem ? (
            <p className={forms.bad} role="alert">
              {problem}
            </p>
          ) : null}
        </div>
      )}
      <div className={forms.field}>
        <label htmlFor={`${id}c`}>Comment</label>
        <textarea
          id={`${id}c`}
          rows={2}
          value={comment}
          onChange={(event) => setComment(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit(event);
          }}
        />
      </div>
      <FormEnd
        error={save.error}
        onCancel={onCancel}
        disabled={save.isPending || given.key === "" || empty || problem !== null}
      >
        {feedback ? "Save" : "Give feedback"}
      </FormEnd>
    </form>
  );
}

const isLabel = (label: Label, { score, value }: Feedback): boolean =>
  value === label.text || (typeof value !== "string" && score !== null && label.score === Number(score));

/** A yes or no that was not touched stays one. */
function scoreOf(feedback: Feedback | undefined, text: string, score: number | null): number | boolean | null {
  const same = feedback && typeof feedback.score === "boolean" && text === formatScore(Number(feedback.score));
  return same ? feedback.score : score;
}

/** Words that the form does not show are not lost by a change of the comment. */
const keptValue = (feedback: Feedback | undefined): string | null =>
  typeof feedback?.value === "string" ? feedback.value : null;
