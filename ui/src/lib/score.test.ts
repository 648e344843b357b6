import { describe, expect, test } from "vitest";
import type { FeedbackConfig } from "./api/feedback";
import { formatMean, labelsOf, readScore, scoreText, toneOf } from "./score";

const config = (feedback_config: FeedbackConfig["feedback_config"], lower = false): FeedbackConfig => ({
  feedback_key: "k",
  feedback_config,
  is_lower_score_better: lower,
});
const graded = config({
  type: "categorical",
  categories: [
    { value: 1, label: "right" },
    { value: 0, label: "wrong" },
  ],
});

test("a label says more than its number", () => {
  expect(scoreText({ score: 0.91, value: null })).toBe("0.91");
  expect(scoreText({ score: 1, value: null }, graded)).toBe("right");
  expect(scoreText({ score: 0, value: "unhelpful" })).toBe("unhelpful");
  expect(scoreText({ score: true, value: null })).toBe("yes");
  expect(scoreText({ score: null, value: null })).toBe("");
});

test("means have the same places, so that they can be compared by eye", () => {
  expect([0.5, 0.73, 0.5289, -1, 9.9994].map(formatMean)).toEqual(["0.500", "0.730", "0.529", "-1.000", "9.999"]);
  expect([10, 87.25].map(formatMean)).toEqual(["10.0", "87.3"]);
});

test("how good a score is follows its config", () => {
  expect(toneOf(0.91)).toBe("good");
  expect(toneOf(0.62)).toBe("middling");
  expect(toneOf(false)).toBe("bad");
  expect(toneOf(4)).toBeNull();
  expect(toneOf(4, config({ type: "continuous", min: 1, max: 5 }))).toBe("good");
  expect(toneOf(0.1, config({ type: "continuous", min: 0, max: 1 }, true))).toBe("good");
});

describe("labels", () => {
  test("come from the config, with the meaning that the rubric gives them", () => {
    expect(labelsOf(graded, { right: "All of it" })).toEqual([
      { text: "right", score: 1, meaning: "All of it" },
      { text: "wrong", score: 0, meaning: null },
    ]);
  });
  test("come from the rubric when there is no config", () => {
    expect(labelsOf(undefined, { warm: "Friendly" })).toEqual([{ text: "warm", score: null, meaning: "Friendly" }]);
    expect(labelsOf(undefined, null, { "1": "Bad" })).toEqual([{ text: "1", score: 1, meaning: "Bad" }]);
    expect(labelsOf(undefined)).toEqual([]);
  });
});

test("a score is a number between the ends of its config", () => {
  expect(readScore(" 0,5 ")).toEqual({ score: 0.5, problem: null });
  expect(readScore("")).toEqual({ score: null, problem: null });
  expect(readScore("good").problem).toMatch(/number/);
  expect(readScore("7", config({ type: "continuous", min: 1, max: 5 })).problem).toMatch(/between 1 and 5/);
});
