import { describe, expect, it } from "vitest";
import type { Usage } from "@/lib/api/prompts";
import { changeOf, verdictOf } from "./effect";

const usage = (more: Partial<Usage>): Usage => ({
  calls: 100,
  failed: 0,
  cost: 100 * 4e6,
  priced: 100,
  p50Us: 2_000_000,
  inputTokens: null,
  outputTokens: null,
  ...more,
});

describe("what a version did", () => {
  it("is said in a sentence, the cost first", () => {
    expect(verdictOf(usage({}), usage({ cost: 100 * 3e6, p50Us: 2_500_000, failed: 7 }))).toBe(
      "costs 25% less per call ($0.0040 → $0.0030), is 25% slower (2.00 s → 2.50 s) and fails more often (0% → 7%)",
    );
    expect(verdictOf(usage({}), usage({ p50Us: 2_010_000 }))).toBe("costs, takes and fails about the same");
  });

  it("is not trusted after a few calls, and unknown prices are not free", () => {
    expect(verdictOf(usage({}), usage({ calls: 3, cost: null, priced: 0 }))).toBe(
      "costs, takes and fails about the same; with 3 calls this may be chance",
    );
    expect(changeOf(null, 1)).toBeNull();
    expect(changeOf(0, 1)).toBeNull();
    expect(changeOf(2, 1)).toBe(-0.5);
  });
});
