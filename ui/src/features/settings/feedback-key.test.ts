import { describe, expect, it } from "vitest";
import type { FeedbackConfig } from "@/lib/api/feedback";
import { draftOf, meaningOf, parseDraft } from "./feedback-key";

const config = (feedback_config: FeedbackConfig["feedback_config"], lower = false): FeedbackConfig => ({
  feedback_key: "k",
  feedback_config,
  is_lower_score_better: lower,
});

describe("a feedback key", () => {
  it("reads what it writes", () => {
    for (const one of [
      config({ type: "continuous", min: 0, max: 1 }, true),
      config({ type: "continuous", min: null, max: 5 }),
      config({ type: "freeform" }),
      config({
        type: "categorical",
        categories: [
          { value: 0, label: "rude" },
          { value: 2, label: "very kind" },
        ],
      }),
    ])
      expect(parseDraft(draftOf(one))).toEqual(one);
  });

  it("says what is wrong", () => {
    const draft = { ...draftOf(), key: "k" };
    for (const [change, words] of [
      [{ key: " " }, /name/],
      [{ min: "x" }, /numbers/],
      [{ min: "2", max: "1" }, /below/],
      [{ type: "categorical", categories: "1 one" }, /two/],
      [{ type: "categorical", categories: "1 one\ntwo" }, /number and a name/],
      [{ type: "categorical", categories: "1 one\n1 two" }, /one number/],
    ] as const)
      expect(parseDraft({ ...draft, ...change })).toMatch(words);
  });

  it("says what its scores mean", () => {
    expect(meaningOf(config({ type: "continuous", min: 0, max: null }))).toBe("0 and more");
    expect(meaningOf(config({ type: "continuous" }))).toBe("any number");
    expect(meaningOf(config({ type: "categorical", categories: [{ value: 1, label: null }] }))).toBe("1");
  });
});
