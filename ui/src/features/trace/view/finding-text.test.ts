import { describe, expect, it } from "vitest";
import type { Finding } from "@/lib/api/types";
import { buildModel } from "../model/build";
import { skeletonOf } from "../model/fixture";
import { cardText, splitSentence } from "./finding-text";

const t = buildModel(
  skeletonOf([
    { name: "agent", from: 0, to: 2_000_000 },
    { name: "fx", parent: 0, from: 0, to: 1_500_000, error: "Timeout: slow", cost: 3e9 },
  ]),
);
const finding = (rule: string, text: string, numbers: Finding["numbers"] = {}): Finding => ({
  rule,
  title: rule,
  text,
  run_id: "run-1",
  axis: "time",
  numbers,
});

describe("cardText", () => {
  it("names the span that broke and its error", () => {
    expect(cardText(finding("where_it_broke", "fx failed after 1.50 s: Timeout: slow"), t, 1)).toEqual({
      head: "fx",
      rest: "Timeout: slow",
      weight: "at 1.50 s",
    });
  });

  it("composes recovery and growth from their numbers", () => {
    const slow = finding("slow_recovery", "…", { attempts: 3, lost_us: 13_760_000, recovered: false });
    expect(cardText(slow, t, 1)).toEqual({ head: "fx: 3 tries", rest: "none worked", weight: "13.76 s" });
    const grown = finding("context_growth", "…", {
      first_tokens: 4300,
      max_tokens: 70_000,
      calls: 81,
      cached_percent: 2,
    });
    expect(cardText(grown, t, 1)).toEqual({
      head: "Input grew 4.3k → 70k tokens",
      rest: "81 calls, 2% from cache, fx",
      weight: "16×",
    });
  });

  it("falls back to the sentence for rules and runs that it does not know", () => {
    expect(cardText(finding("new_rule", "Something happened; look"), t, 1)).toEqual({
      head: "Something happened",
      rest: "look",
      weight: null,
    });
    expect(cardText(finding("where_it_broke", "gone failed"), t, -1).head).toBe("gone failed");
  });
});

it("splits sentences only where the head stays short", () => {
  expect(splitSentence("a spent 91% of the money, $4 of $5")).toEqual(["a spent 91% of the money", "$4 of $5"]);
  expect(splitSentence(`${"x".repeat(90)}; y`)[1]).toBe("");
});
