import { expect, it } from "vitest";
import { layoutOf } from "./layout";

it("has rows of one height when nothing is open", () => {
  const layout = layoutOf(10, 26, []);
  expect(layout.total).toBe(260);
  expect(layout.topOf(3)).toBe(78);
  expect(layout.indexAt(77)).toBe(2);
  expect(layout.indexAt(78)).toBe(3);
  expect(layout.indexAt(9_999)).toBe(9);
});

it("moves what is below an open row, and finds rows by height", () => {
  const open = [
    { index: 1, extra: 100 },
    { index: 4, extra: 50 },
  ];
  const layout = layoutOf(6, 10, open);
  expect(layout.total).toBe(210);
  expect([0, 1, 2, 3, 4, 5].map(layout.topOf)).toEqual([0, 10, 120, 130, 140, 200]);
  // Every height belongs to the row that is drawn there.
  for (let y = 0; y < layout.total; y++) {
    const index = layout.indexAt(y);
    expect(layout.topOf(index)).toBeLessThanOrEqual(y);
    if (index < 5) expect(layout.topOf(index + 1)).toBeGreaterThan(y);
  }
});

it("survives an empty list", () => {
  expect(layoutOf(0, 26, []).indexAt(50)).toBe(0);
});
