import { describe, expect, test } from "vitest";
import { rowsBySlot } from "./row-slots";

describe("rowsBySlot", () => {
  test("is the order of the list at rest", () => {
    expect(rowsBySlot(3, 8, 5, 3)).toEqual([3, 4, 5, 6, 7]);
  });
  test("keeps the order of the slots while the list moves, in both directions", () => {
    const slots = (rows: number[]): number[] => rows.map((r) => r % 5);
    const atRest = slots(rowsBySlot(3, 8, 5, 3));
    for (const first of [0, 1, 4, 7, 8, 103]) {
      const rows = rowsBySlot(first, first + 5, 5, 3);
      expect(slots(rows)).toEqual(atRest);
      expect(rows.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4].map((k) => first + k));
    }
  });
  test("leaves out what is beyond the end", () => {
    expect(rowsBySlot(6, 8, 5, 3).toSorted()).toEqual([6, 7]);
    expect(rowsBySlot(0, 0, 5, 0)).toEqual([]);
  });
});
