import { expect, test } from "vitest";
import { extended, NO_MARKS, toggled } from "./marks";

const order = [..."abcdef"];
const keys = (marks: { keys: ReadonlySet<string> }) => [...marks.keys].toSorted().join("");

test("a row is marked and unmarked", () => {
  const one = toggled(NO_MARKS, "b");
  expect(keys(one)).toBe("b");
  expect(keys(toggled(one, "b"))).toBe("");
  expect(keys(NO_MARKS)).toBe("");
});

test("a stretch goes from the row marked last, in both directions", () => {
  const marked = toggled(toggled(NO_MARKS, "f"), "c");
  expect(keys(extended(marked, order, "e"))).toBe("cdef");
  const back = extended(marked, order, "a");
  expect(keys(back)).toBe("abcf");
  // The anchor stays, so the next stretch begins there again.
  expect(keys(extended(back, order, "d"))).toBe("abcdf");
});

test("without a row to begin at, only the row itself is marked", () => {
  expect(keys(extended(NO_MARKS, order, "c"))).toBe("c");
  const gone = extended({ keys: new Set(), anchor: "z" }, order, "c");
  expect(keys(gone)).toBe("c");
  expect(keys(extended(gone, order, "e"))).toBe("cde");
});
