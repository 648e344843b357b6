import { expect, test } from "vitest";
import { turnFilter } from "./threads";

test("what is typed is looked for, and not read as a filter", () => {
  const nothing = { words: "", user: "", failed: false };
  expect(turnFilter(nothing)).toBeUndefined();
  expect(turnFilter({ ...nothing, words: "thr_1" })).toBe('(thread:thr_1 OR "thr_1")');
  expect(turnFilter({ words: 'say "hi" (now)', user: "a b", failed: true })).toBe(
    '(thread:"say \\"hi\\" (now)" OR "say \\"hi\\" (now)") user:"a b" status:error',
  );
});
