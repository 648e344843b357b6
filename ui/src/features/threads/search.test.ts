import { expect, it } from "vitest";
import { threadFromPath, threadInPath } from "./search";

it.each([
  ["t-1", "t-1"],
  ["thr/kyoto 1", "thr/kyoto 1"],
  ["a ", "~a%20"],
  [" ", "~%20"],
  [".", "~%2E"],
  ["..", "~%2E%2E"],
  ["...", "..."],
  ["~a", "~~a"],
  ["~%2E", "~~%252E"],
])("writes the thread %j into a path as %j, and reads it", (id, part) => {
  expect(threadInPath(id)).toBe(part);
  expect(threadFromPath(part)).toBe(id);
});

it.each(["~a", "~", "~%", "~%2e"])("reads %j, which it did not write, as it is", (part) =>
  expect(threadFromPath(part)).toBe(part),
);
