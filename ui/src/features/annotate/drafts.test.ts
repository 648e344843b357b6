import { expect, test } from "vitest";
import { blank, draftsOf, labelsIn, problemOf, rubricOf } from "./drafts";

test("labels are read line by line, their meaning behind the first colon", () => {
  expect(labelsIn("right: all: of it\n\n wrong \n")).toEqual({ right: "all: of it", wrong: "" });
  expect(labelsIn(" \n")).toBeNull();
});

test("a rubric comes through the form as it was", () => {
  const items = [
    {
      feedback_key: "tone",
      description: "How?",
      value_descriptions: { warm: "Friendly", cold: "" },
      score_descriptions: { "1": "x" },
      is_required: true,
    },
  ];
  expect(rubricOf(draftsOf(items))).toEqual(items);
});

test("keys are named, and once", () => {
  expect(problemOf([blank()])).toMatch(/no feedback key/);
  expect(
    problemOf([
      { ...blank(), key: "a" },
      { ...blank(), key: "a " },
    ]),
  ).toMatch(/a is in the rubric twice/);
  expect(problemOf([{ ...blank(), key: "a" }])).toBeNull();
});
