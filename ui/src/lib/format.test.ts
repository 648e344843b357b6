import { describe, expect, it } from "vitest";
import {
  formatAgo,
  formatBytes,
  formatClock,
  formatCost,
  formatDollars,
  formatDuration,
  formatInstant,
  formatPercent,
  formatTokens,
  plural,
  unpricedCalls,
} from "./format";

describe("formatDuration", () => {
  it.each([
    [0, "0 µs"],
    [999, "999 µs"],
    [38_000, "38.0 ms"],
    [389_000, "389 ms"],
    [13_760_000, "13.76 s"],
    [59_999_000, "1m 00s"],
    [1_185_000_000, "19m 45s"],
    [12_120_000_000, "3h 22m"],
    [null, "–"],
  ])("%s µs reads %s", (us, text) => expect(formatDuration(us)).toBe(text));
});

describe("formatCost", () => {
  it.each([
    [0, "$0"],
    [50_000, "<$0.0001"],
    [200_000, "$0.0002"],
    [28_000_000, "$0.028"],
    [43_970_000_000, "$43.97"],
    [999_900_000, "$1.00"],
    [null, "–"],
  ])("%s n$ reads %s", (nano, text) => expect(formatCost(nano)).toBe(text));

  it("reads decimal strings and keeps unknown apart from zero", () => {
    expect(formatDollars("0.028")).toBe("$0.028");
    expect(formatDollars("0")).toBe("$0");
    expect(formatDollars(null)).toBe("–");
  });
});

describe("formatTokens", () => {
  it.each([
    [0, "0"],
    [826, "826"],
    [4820, "4.8k"],
    [69_965, "70k"],
    [999_800, "1.00M"],
    [17_844_180, "17.84M"],
    [null, "–"],
  ])("%s reads %s", (tokens, text) => expect(formatTokens(tokens)).toBe(text));
});

it("never rounds a share to nothing or to everything", () => {
  expect(formatPercent(0)).toBe("0%");
  expect(formatPercent(0.0001)).toBe("<1%");
  expect(formatPercent(0.999)).toBe("99%");
  expect(formatPercent(1)).toBe("100%");
});

it("writes plurals, sizes, ages and exact instants", () => {
  expect(plural(1, "span")).toBe("1 span");
  expect([1, 2_000].map(unpricedCalls)).toEqual(["1 call is unpriced", "2,000 calls are unpriced"]);
  expect(plural(1200, "span")).toBe("1,200 spans");
  expect(formatBytes(18_200_000)).toBe("18.2 MB");
  expect(formatAgo(0, 90_000)).toBe("1 min ago");
  const clock = formatClock(1_700_000_000_123_456);
  expect(clock).toMatch(/^\d\d:\d\d:\d\d\.123$/);
  expect(formatClock(1_700_000_000_123_456, true)).toMatch(new RegExp(`^1[45] Nov, ${clock}$`));
  expect(formatInstant(1_700_000_000_123_456)).toBe("2023-11-14T22:13:20.123456Z");
});
