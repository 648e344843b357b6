import { expect, test } from "vitest";
import type { TraceRow } from "@/lib/api/types";
import { chipsOf, largest, offsetsOf, rowsBetween, totalsOf } from "./measures";

const turn = (more: Partial<TraceRow>): TraceRow =>
  ({
    cost: null,
    input_tokens: null,
    total_tokens: null,
    latency_us: null,
    unpriced_count: 0,
    error: null,
    ...more,
  }) as TraceRow;

test("rows of the rail are found by their heights", () => {
  const offsets = offsetsOf([{ error: null }, { error: "x" }, { error: null }]);
  expect(offsets).toEqual([0, 58, 152, 210]);
  expect(rowsBetween(offsets, 0, 10)).toEqual([0, 1]);
  expect(rowsBetween(offsets, 60, 160)).toEqual([1, 3]);
  expect(rowsBetween(offsets, 500, 900)).toEqual([3, 3]);
  expect(rowsBetween([0], 0, 100)).toEqual([0, 0]);
});

test("what is unknown stays unknown in sums and maxima", () => {
  const turns = [turn({ cost: "0.5", user_id: "a" }), turn({ user_id: null }), turn({ cost: "0.25", user_id: "a" })];
  expect(totalsOf(turns)).toMatchObject({ cost: 750_000_000, tokens: null, users: ["a"], unpriced: false });
  expect(totalsOf([turn({ user_id: null })]).cost).toBeNull();
  expect(largest(turns)).toEqual({ cost: 500_000_000, input: 0, time: 0 });
});

test("calls of one tool are one chip", () => {
  const run = (name: string, status = "success") => ({ name, status });
  expect(chipsOf([run("a"), run("b"), run("a", "error")])).toEqual([
    { name: "a", count: 2, failed: 1 },
    { name: "b", count: 1, failed: 0 },
  ]);
});
