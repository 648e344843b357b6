import type { Feedback, FeedbackConfig } from "@/lib/api/feedback";
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

interface MeanProps {
  stats: Record<string, { n: number; avg: number | null }>;
  configs: FeedbackConfig[];
}

/** Means of a list's row. */
export function MeanScores({ stats, configs }: MeanProps) {
  const keys = Object.keys(stats);
  return (
    <span className={styles.row}>
      {keys.map((key) => {
        const { n, avg } = stats[key];
        const tone = toneOf(avg, configOf(configs, key));
        return (
          <span key={key} className={styles.score} title={`${key}: ${n} given${avg === null ? "" : `, mean ${avg}`}`}>
            {key}
            {avg === null ? (
              <i>{n}</i>
            ) : (
              <b className={cx(tone && TONES[tone])}>{formatScore(Number(avg.toFixed(2)))}</b>
            )}
          </span>
        );
      })}
    </span>
  );
}
