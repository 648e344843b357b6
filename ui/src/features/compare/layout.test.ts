import { expect, it } from "vitest";
import { rowPxOf, scoreLines } from "./layout";

it("gives the scores of a cell the lines that they need", () => {
  expect(scoreLines([], 400, true)).toBe(1);
  expect(scoreLines(["correct"], 270, true)).toBe(1);
  expect(scoreLines(["correct", "tone"], 270, true)).toBe(2);
  expect(scoreLines(["correct", "tone"], 420, true)).toBe(1);
  // Without a baseline no change stands behind them.
  expect(scoreLines(["correct", "tone"], 300, false)).toBe(1);
  // A name that is wider than the column has a line of its own.
  expect(scoreLines(["a name as long as a sentence is", "tone"], 270, false)).toBe(2);
  expect(
    scoreLines(
      Array.from({ length: 20 }, (_, n) => `score ${n}`),
      270,
      true,
    ),
  ).toBe(5);
});

it("makes rows higher by whole lines", () => {
  expect([1, 2, 3].map(rowPxOf)).toEqual([100, 118, 136]);
});
