//! A sitting at a queue: what a rubric asks, what was answered, and where one is among the items.

import type { FeedbackBody, FeedbackConfig } from "@/lib/api/feedback";
import type { Queue, QueueItem } from "@/lib/api/annotation";
import { formatScore, type Label, labelsOf } from "@/lib/score";

/** One thing that is asked about every item. */
export interface Question {
  key: string;
  description: string | null;
  required: boolean;
  config: FeedbackConfig | undefined;
  /** What can be chosen; none when it is answered in words. */
  labels: Label[];
  /** Any number can be given besides the labels. */
  score: boolean;
}

export interface Answer {
  label: Label | null;
  comment: string;
}

/** By the key of the question. */
export type Answers = Record<string, Answer>;

export const NO_ANSWER: Answer = { label: null, comment: "" };

/** Steps of a scale without labels. */
const STEPS = 5;
/** More labels than keys are of no use. */
const KEYS = 9;

export function questionsOf(queue: Queue, configs: FeedbackConfig[]): Question[] {
  const configOf = (key: string) => configs.find((config) => config.feedback_key === key);
  const items = queue.rubric_items ?? [];
  if (items.length > 0)
    return items.map((item) =>
      questionOf(
        item.feedback_key,
        configOf(item.feedback_key),
        labelsOf(configOf(item.feedback_key), item.value_descriptions, item.score_descriptions),
        item.description ?? null,
        item.is_required === true,
      ),
    );
  // A queue without a rubric asks for what the workspace gives feedback on.
  const known = configs.map((config) => questionOf(config.feedback_key, config, labelsOf(config), null, false));
  return known.length > 0 ? known : [questionOf("note", undefined, [], null, false)];
}

function questionOf(
  key: string,
  config: FeedbackConfig | undefined,
  labels: Label[],
  description: string | null,
  required: boolean,
): Question {
  const base = { key, config, description, required };
  if (labels.length > 0) return { ...base, labels, score: false };
  if (config?.feedback_config.type === "freeform") return { ...base, labels: [], score: false };
  if (config === undefined) return { ...base, labels: [word("good", 1), word("bad", 0)], score: false };
  return { ...base, labels: scaleOf(config), score: true };
}

const word = (text: string, score: number): Label => ({ text, score, meaning: null });

/** Whole numbers when they are few enough for the keys, else even steps. */
function scaleOf({ feedback_config: { min, max } }: FeedbackConfig): Label[] {
  const [low, high] = [min ?? 0, max ?? 1];
  const whole = Number.isInteger(low) && Number.isInteger(high) && high - low > 1 && high - low < KEYS;
  const count = whole ? high - low + 1 : STEPS;
  return Array.from({ length: count }, (_, index) => {
    const score = low + ((high - low) * index) / (count - 1);
    return word(formatScore(score), Number(score.toFixed(4)));
  });
}

export const isAnswered = (answer: Answer | undefined): boolean =>
  answer !== undefined && (answer.label !== null || answer.comment.trim() !== "");

/** What keeps an item from being saved, or nothing. */
export function missingIn(questions: Question[], answers: Answers): string | null {
  const open = questions.filter((question) => question.required && !isAnswered(answers[question.key]));
  if (open.length > 0)
    return `${open.map((question) => question.key).join(" and ")} ${open.length > 1 ? "have" : "has"} to be answered.`;
  return null;
}

/** The feedback that the answers are. */
export function feedbackOf(item: QueueItem, answers: Answers, newId: () => string): FeedbackBody[] {
  return Object.entries(answers)
    .filter(([, answer]) => isAnswered(answer))
    .map(([key, { label, comment }]) => ({
      id: newId(),
      run_id: item.id,
      trace_id: item.trace_id,
      session_id: item.session_id,
      key,
      score: label?.score ?? null,
      // The number alone needs no words.
      value: label && label.text !== String(label.score) ? label.text : null,
      comment: comment.trim() || null,
    }));
}

export type Mark = "done" | "skipped" | "failed";
/** By the item's id in the queue. */
export type Marks = ReadonlyMap<string, Mark>;

/** The next item that is still open, looking round from `from`; skipped ones come last. −1 when all is done. */
export function nextOpen(items: QueueItem[], marks: Marks, from: number): number {
  const round = items.map((_, k) => (from + 1 + k) % items.length);
  const open = (mark: Mark | undefined) => round.find((index) => marks.get(items[index].queue_run_id) === mark) ?? -1;
  for (const mark of [undefined, "failed", "skipped"] as const) {
    const found = open(mark);
    if (found >= 0) return found;
  }
  return -1;
}

/** Where the items that are not here yet begin among those that wait: what was done has left, what was skipped went to
 * the end. */
export const offsetOf = (items: QueueItem[], marks: Marks): number =>
  items.filter(({ queue_run_id: id }) => marks.get(id) !== "done" && marks.get(id) !== "skipped").length;

export function append(items: QueueItem[], page: QueueItem[]): QueueItem[] {
  const known = new Set(items.map((item) => item.queue_run_id));
  const fresh = page.filter((item) => !known.has(item.queue_run_id));
  return fresh.length > 0 ? [...items, ...fresh] : items;
}
