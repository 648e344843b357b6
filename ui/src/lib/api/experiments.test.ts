import { expect, test } from "vitest";
import { costOf } from "./experiments";

test("an experiment whose runs told neither tokens nor cost has no known cost", () => {
  expect(costOf({ total_cost: "0", total_tokens: 0 })).toBeNull();
  expect(costOf({ total_cost: null, total_tokens: 12 })).toBeNull();
  // A model that is free.
  expect(costOf({ total_cost: "0", total_tokens: 12 })).toBe(0);
  expect(costOf({ total_cost: "0.5", total_tokens: 0 })).toBe(500_000_000);
});
