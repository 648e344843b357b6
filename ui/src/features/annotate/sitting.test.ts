import { describe, expect, test } from "vitest";
import type { Queue, QueueItem } from "@/lib/api/annotation";
import type { FeedbackConfig } from "@/lib/api/feedback";
import { append, feedbackOf, type Mark, missingIn, NO_ANSWER, nextOpen, offsetOf, questionsOf } from "./sitting";

const item = (id: string): QueueItem =>
  ({ id: `run-${id}`, queue_run_id: id, trace_id: "t", session_id: "p" }) as QueueItem;
const items = ["a", "b", "c", "d"].map(item);
const marks = (object: Record<string, Mark>) => new Map(Object.entries(object));
const queue = (rubric_items: Queue["rubric_items"]): Queue => ({ id: "q", name: "Q", rubric_items }) as Queue;
const config = (feedback_key: string, feedback_config: FeedbackConfig["feedback_config"]): FeedbackConfig => ({
  feedback_key,
  feedback_config,
  is_lower_score_better: null,
});

describe("questions", () => {
  test("of a scale have its whole numbers, or even steps, as labels", () => {
    const configs = [config("stars", { type: "continuous", min: 1, max: 5 }), config("share", { type: "continuous" })];
    const [stars, share] = questionsOf(queue(null), configs);
    expect(stars.labels.map((label) => label.score)).toEqual([1, 2, 3, 4, 5]);
    expect(share.labels.map((label) => label.text)).toEqual(["0", "0.25", "0.5", "0.75", "1"]);
  });
  test("of a rubric take their labels from it; words are answered in words", () => {
    const rubric = [
      { feedback_key: "tone", value_descriptions: { warm: "Friendly" }, is_required: true },
      { feedback_key: "note" },
      { feedback_key: "new" },
    ];
    const [tone, note, fresh] = questionsOf(queue(rubric), [config("note", { type: "freeform" })]);
    expect(tone).toMatchObject({ required: true, labels: [{ text: "warm", score: null }] });
    expect(note.labels).toEqual([]);
    expect(fresh.labels.map((label) => label.text)).toEqual(["good", "bad"]);
  });
});

test("answers become feedback; what was left open does not", () => {
  const label = { text: "right", score: 1, meaning: null };
  const answers = { correctness: { label, comment: " ok " }, tone: NO_ANSWER };
  expect(feedbackOf(items[0], answers, () => "id")).toEqual([
    {
      id: "id",
      run_id: "run-a",
      trace_id: "t",
      session_id: "p",
      key: "correctness",
      score: 1,
      value: "right",
      comment: "ok",
    },
  ]);
  const asked = questionsOf(queue([{ feedback_key: "tone", is_required: true }]), []);
  expect(missingIn(asked, answers)).toBe("tone has to be answered.");
  expect(missingIn(asked, { tone: { label: null, comment: "x" } })).toBeNull();
});

test("the next open item is looked for all around, skipped ones last", () => {
  expect(nextOpen(items, marks({ b: "done" }), 0)).toBe(2);
  expect(nextOpen(items, marks({ a: "done", c: "skipped", d: "done" }), 1)).toBe(1);
  expect(nextOpen(items, marks({ a: "done", b: "done", c: "skipped", d: "done" }), 3)).toBe(2);
  expect(nextOpen(items, marks({ a: "done", b: "done", c: "done", d: "done" }), 3)).toBe(-1);
  expect(nextOpen([], marks({}), -1)).toBe(-1);
});

test("the next page begins behind what still waits in front", () => {
  expect(offsetOf(items, marks({ a: "done", b: "skipped" }))).toBe(2);
  expect(append(items, [item("d"), item("e")]).map((one) => one.queue_run_id)).toEqual(["a", "b", "c", "d", "e"]);
});
