import type { Feedback, FeedbackConfig } from "@/lib/api/feedback";
import type { FeedbackFigures } from "@/lib/api/types";
import { cx } from "@/lib/cx";
import { formatScore, scoreText, type ScoreTone, toneOf } from "@/lib/score";
import styles from "./Scores.module.css";

const TONES: Record<Exclude<ScoreTone, null>, string> = {
  good: styles.good,
  middling: styles.middling,
  bad: styles.bad,
};

export const configOf = (configs: FeedbackConfig[], key: string): FeedbackConfig | undefined =>
  configs.find((config) => config.feedback_key === key);

/** `helpful 0.91`. A comment alone is the key in italics. */
export function Score({ feedback, configs }: { feedback: Feedback; configs: FeedbackConfig[] }) {
  const config = configOf(configs, feedback.key);
  const tone = toneOf(feedback.score, config);
  const text = feedback.error ? "evaluator failed" : scoreText(feedback, config);
  const title = [`${feedback.key} ${text}`, feedback.comment].filter(Boolean).join("\n");
  return (
    <span className={styles.score} title={title}>
      {feedback.key}
      {text ? <b className={cx(tone && TONES[tone], feedback.error && styles.bad)}>{text}</b> : <i>comment</i>}
    </span>
  );
}

/** Means of a list's row. */
export function MeanScores({ figures, configs }: { figures: FeedbackFigures[]; configs: FeedbackConfig[] }) {
  return (
    <span className={styles.row}>
      {figures.map(({ key, count, average, values }) => {
        const config = configOf(configs, key);
        const tone = toneOf(average, config);
        const said = Object.keys(values);
        // One judgement is said in its own words.
        const text =
          count === 1 && said.length === 1
            ? said[0]
            : average === null
              ? ""
              : scoreText({ score: Number(average.toFixed(2)), value: null }, count === 1 ? config : undefined);
        return (
          <span key={key} className={styles.score} title={figuresTitle(key, count, average, values)}>
            {key}
            {text === "" ? <i>{count}</i> : <b className={cx(tone && TONES[tone])}>{text}</b>}
          </span>
        );
      })}
    </span>
  );
}

function figuresTitle(key: string, count: number, average: number | null, values: Record<string, number>): string {
  const words = Object.entries(values).map(([value, times]) => `${value} ×${times}`);
  const mean = average === null ? [] : [`mean ${formatScore(average)}`];
  return [`${key}: ${count} given`, ...mean, ...words].join(", ");
}
