import { expect, test } from "vitest";
import { outputSpeed } from "./speed";

test("the speed is that of the answer after its first token", () => {
  expect(outputSpeed(100, 3_000_000, 1_000_000)).toBe(50);
  expect(outputSpeed(100, 2_000_000, null)).toBe(50);
});

test("a first token that was stamped at the end tells no speed", () => {
  expect(outputSpeed(80, 160_000, 159_542)).toBeNull();
  expect(outputSpeed(80, 160_000, 160_000)).toBeNull();
  expect(outputSpeed(80, 0, null)).toBeNull();
  expect(outputSpeed(null, 160_000, 10_000)).toBeNull();
});
