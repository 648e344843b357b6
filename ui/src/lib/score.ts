//! How feedback reads, and how it can be given by hand.

import type { Category, Feedback, FeedbackConfig } from "./api/feedback";

export type ScoreTone = "good" | "middling" | "bad" | null;

/** `0.91`, `right`, `yes`, or nothing when it is only a comment. A label says more than its number. */
export function scoreText({ score, value }: Pick<Feedback, "score" | "value">, config?: FeedbackConfig): string {
  if (typeof value === "string" && value !== "") return value;
  if (value !== null && value !== undefined && typeof value !== "object") return String(value);
  if (typeof score === "boolean") return score ? "yes" : "no";
  if (score === null || score === undefined) return "";
  const label = config?.feedback_config.categories?.find((category) => category.value === score)?.label;
  return label ?? formatScore(score);
}

/** Four significant places after the point, without zeros at the end. */
export const formatScore = (score: number): string => String(Number(score.toFixed(score < 1 ? 4 : 2)));

/** Means stand below each other: all with as many places, so that their points do. */
export const formatMean = (mean: number): string => mean.toFixed(Math.abs(mean) < 10 ? 3 : 1);

/** How good a score is. Of scores beyond 0 to 1 nothing is said unless their config knows the ends. */
export function toneOf(score: Feedback["score"], config?: FeedbackConfig): ScoreTone {
  if (score === null || score === undefined) return null;
  const number = Number(score);
  const [low, high] = endsOf(config?.feedback_config);
  if (number < low || number > high || high <= low) return null;
  const share = (number - low) / (high - low);
  const good = config?.is_lower_score_better ? 1 - share : share;
  return good >= 0.75 ? "good" : good > 0.25 ? "middling" : "bad";
}

function endsOf(config: FeedbackConfig["feedback_config"] | undefined): [number, number] {
  const values = (config?.categories ?? []).map((category) => category.value);
  if (values.length > 1) return [Math.min(...values), Math.max(...values)];
  return [config?.min ?? 0, config?.max ?? 1];
}

/** A label that can be chosen. */
export interface Label {
  text: string;
  score: number | null;
  /** What it means, when somebody wrote it down. */
  meaning: string | null;
}

/** The labels of a key: those of its config, else those that a rubric describes, else none. */
export function labelsOf(
  config: FeedbackConfig | undefined,
  values?: Record<string, string> | null,
  scores?: Record<string, string> | null,
): Label[] {
  const categories: Category[] = config?.feedback_config.categories ?? [];
  if (categories.length > 0)
    return categories.map(({ value, label }) => {
      const text = label ?? formatScore(value);
      return { text, score: value, meaning: values?.[text] ?? scores?.[String(value)] ?? null };
    });
  const described = Object.entries(values ?? {});
  if (described.length > 0)
    return described.map(([text, meaning]) => ({ text, score: null, meaning: meaning || null }));
  return Object.entries(scores ?? {}).map(([text, meaning]) => ({
    text,
    score: Number.isFinite(Number(text)) ? Number(text) : null,
    meaning: meaning || null,
  }));
}

/** What the text in a score field means, or why it cannot be taken. */
export function readScore(text: string, config?: FeedbackConfig): { score: number | null; problem: string | null } {
  const clean = text.trim().replace(",", ".");
  if (clean === "") return { score: null, problem: null };
  const score = Number(clean);
  if (!Number.isFinite(score)) return { score: null, problem: "A score is a number." };
  const { min, max } = config?.feedback_config ?? {};
  if ((typeof min === "number" && score < min) || (typeof max === "number" && score > max))
    return { score: null, problem: `The score is between ${min ?? "−∞"} and ${max ?? "∞"}.` };
  return { score, problem: null };
}
