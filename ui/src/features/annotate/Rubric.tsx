import { MessageSquarePlus } from "lucide-react";
import { type CSSProperties, type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { cx } from "@/lib/cx";
import { type Label, readScore } from "@/lib/score";
import { Keys } from "@/components/Keys";
import { Markdown } from "@/components/Markdown";
import styles from "./Rubric.module.css";
import { type Answer, type Answers, isAnswered, NO_ANSWER, type Question } from "./sitting";

interface Props {
  instructions: string | null;
  questions: Question[];
  answers: Answers;
  onAnswer: (answers: Answers) => void;
  /** The question that the number keys answer. */
  current: number;
  onCurrent: (index: number) => void;
  /** The question whose comment is open and wants the focus. */
  writing: string | null;
  onWriting: (key: string | null) => void;
  /** Enter in a comment. */
  onSave: () => void;
}

/** What is asked, and what one answers. */
export function Rubric(props: Props) {
  const { instructions, questions, answers, onAnswer, current, onCurrent, writing, onWriting, onSave } = props;
  return (
    <div className={styles.rubric}>
      {instructions ? (
        <div className={styles.instructions}>
          <Markdown text={instructions} />
        </div>
      ) : null}
      {questions.map((question, index) => (
        <QuestionView
          key={question.key}
          question={question}
          answer={answers[question.key] ?? NO_ANSWER}
          current={index === current}
          writing={writing === question.key}
          onCurrent={() => onCurrent(index)}
          onAnswer={(answer) => onAnswer({ ...answers, [question.key]: answer })}
          onWriting={(on) => onWriting(on ? question.key : null)}
          onSave={onSave}
        />
      ))}
    </div>
  );
}

interface QuestionProps {
  question: Question;
  answer: Answer;
  current: boolean;
  writing: boolean;
  onCurrent: () => void;
  onAnswer: (answer: Answer) => void;
  onWriting: (on: boolean) => void;
  onSave: () => void;
}

function QuestionView({ question, answer, current, writing, onCurrent, onAnswer, onWriting, onSave }: QuestionProps) {
  const id = useId();
  const { key, description, required, labels } = question;
  const inWords = labels.length === 0;
  const box = useRef<HTMLElement>(null);
  const shown = useRef(false);
  useEffect(() => {
    // An item opens at the instructions, at the top.
    if (current && shown.current) box.current?.scrollIntoView({ block: "nearest" });
    shown.current = true;
  }, [current]);
  const pick = (label: Label) => {
    onCurrent();
    onAnswer({ ...answer, label: isPicked(answer, label) ? null : label });
  };
  return (
    <section
      ref={box}
      className={cx(styles.question, current && styles.current)}
      aria-labelledby={id}
      aria-current={current || undefined}
    >
      <h3 id={id}>
        {key}
        {required ? <span className={styles.required}>required</span> : null}
        {isAnswered(answer) ? <span className="sr">answered</span> : null}
      </h3>
      {description ? <p className={styles.description}>{description}</p> : null}
      {inWords ? null : (
        <div
          className={cx(styles.labels, isShort(labels) && styles.short)}
          style={{ "--label": `calc(${longest(labels)}ch + ${KEY_PX}px)` } as CSSProperties}
          role="group"
          aria-labelledby={id}
        >
          {labels.map((label, index) => (
            <button
              key={label.text}
              type="button"
              aria-pressed={isPicked(answer, label)}
              title={label.meaning ?? undefined}
              // The focus stays where it is: ↵ has to save after a click, not click again.
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => pick(label)}
            >
              {current && index < 9 ? <Keys name={String(index + 1)} /> : null}
              <span>
                {label.text}
                {label.meaning ? <small>{label.meaning}</small> : null}
              </span>
            </button>
          ))}
        </div>
      )}
      {question.score ? (
        <ScoreField question={question} answer={answer} onAnswer={onAnswer} onFocus={onCurrent} />
      ) : null}
      {inWords || writing || answer.comment ? (
        <Comment
          label={inWords ? key : `Comment on ${key}`}
          value={answer.comment}
          focus={writing}
          onFocus={onCurrent}
          onChange={(comment) => onAnswer({ ...answer, comment })}
          onLeave={() => onWriting(false)}
          onSave={onSave}
        />
      ) : (
        <button
          type="button"
          className={styles.add}
          onClick={() => {
            onCurrent();
            onWriting(true);
          }}
        >
          <MessageSquarePlus size={12} aria-hidden />
          Comment
          {current ? <Keys name="c" /> : null}
        </button>
      )}
    </section>
  );
}

/** What a label takes besides its text: the key that chooses it, and its edges. */
const KEY_PX = 44;
const longest = (labels: Label[]): number => Math.max(...labels.map(({ text }) => text.length));

/** Numbers and single words stand beside each other. */
const isShort = (labels: Label[]): boolean =>
  labels.every(({ text, meaning }) => meaning === null && text.length <= 8) && labels.length <= 9;

const isPicked = (answer: Answer, label: Label): boolean =>
  answer.label !== null && answer.label.text === label.text && answer.label.score === label.score;

/** For numbers between the labels. */
function ScoreField({
  question,
  answer,
  onAnswer,
  onFocus,
}: {
  question: Question;
  answer: Answer;
  onAnswer: (answer: Answer) => void;
  onFocus: () => void;
}) {
  const id = useId();
  const shown = answer.label ? answer.label.text : "";
  const [text, setText] = useState(shown);
  const [before, setBefore] = useState(shown);
  if (shown !== before) {
    setBefore(shown);
    setText(shown);
  }
  const { score, problem } = readScore(text, question.config);
  return (
    <div className={styles.score}>
      <label htmlFor={id}>or a number</label>
      <input
        id={id}
        value={text}
        inputMode="decimal"
        autoComplete="off"
        aria-invalid={problem !== null}
        onFocus={onFocus}
        onChange={(event) => {
          const read = readScore(event.target.value, question.config);
          setText(event.target.value);
          if (read.problem === null) {
            const label =
              read.score === null ? null : { text: event.target.value.trim(), score: read.score, meaning: null };
            setBefore(label?.text ?? "");
            onAnswer({ ...answer, label });
          }
        }}
      />
      {problem ? (
        <p role="alert">{problem}</p>
      ) : score === null ? (
        <p>
          {question.config?.feedback_config.min ?? 0} to {question.config?.feedback_config.max ?? 1}
        </p>
      ) : null}
    </div>
  );
}

interface CommentProps {
  label: string;
  value: string;
  focus: boolean;
  onFocus: () => void;
  onChange: (text: string) => void;
  onLeave: () => void;
  onSave: () => void;
}

function Comment({ label, value, focus, onFocus, onChange, onLeave, onSave }: CommentProps) {
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (focus) field.current?.focus();
  }, [focus]);
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Escape") event.currentTarget.blur();
    else if (event.key === "Enter" && !event.shiftKey) {
      event.currentTarget.blur();
      onSave();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <textarea
      ref={field}
      className={styles.comment}
      value={value}
      rows={Math.min(8, Math.max(2, value.split("\n").length))}
      aria-label={label}
      placeholder="↵ saves, ⇧↵ begins a line, Esc goes back to the keys"
      onFocus={onFocus}
      onBlur={onLeave}
      onChange={(event) => onChange(event.target.value)}
      onKeyDown={onKeyDown}
    />
  );
}
