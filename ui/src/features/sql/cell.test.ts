import { expect, test } from "vitest";
import { cellText, example, isNumber, shownText } from "./cell";

test("values are one line", () => {
  expect(cellText(null)).toBe("");
  expect(cellText("a")).toBe("a");
  expect(cellText({ a: [1] })).toBe('{"a":[1]}');
  expect(shownText("x".repeat(201))).toBe(`${"x".repeat(200)}…`);
});

test("numbers are known by their type", () => {
  expect(["bigint", "decimal(38, 12)", "double"].map(isNumber)).toEqual([true, true, true]);
  expect(["text", "timestamp", "bigint[]x".slice(6)].map(isNumber)).toEqual([false, false, false]);
});

test("the example quotes the project", () => {
  expect(example("o'brien")).toContain("project = 'o''brien'");
});

test("writes out on screen what would turn the text, and copies it as it is", () => {
  expect(shownText("a\u202eb")).toBe("a\\u202eb");
  expect(cellText("a\u202eb")).toBe("a\u202eb");
});
