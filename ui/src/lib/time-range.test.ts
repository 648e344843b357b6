import { describe, expect, it } from "vitest";
import { absoluteRange, defaultRange, fromLocalInput, rangeLabel, rangeSpan, ticks, toLocalInput } from "./time-range";

const NOON = Date.UTC(2026, 10, 20, 12) * 1000;

describe("rangeSpan", () => {
  it("counts relative ranges back from now", () => {
    expect(rangeSpan("24h", NOON)).toEqual({ from: NOON - 86_400e6, to: NOON });
    expect(rangeSpan("15m", NOON).from).toBe(NOON - 900e6);
  });

  it("reads RFC 3339 and microseconds, either side open", () => {
    expect(rangeSpan("2026-11-20T12:00Z..", 0)).toEqual({ from: NOON, to: null });
    expect(rangeSpan(`..${NOON}`, 0)).toEqual({ from: null, to: NOON });
    expect(rangeSpan("all", NOON)).toEqual({ from: null, to: null });
    expect(rangeSpan("nonsense..rubbish", NOON)).toEqual({ from: null, to: null });
  });
});

it("writes absolute ranges short, and they read back the same", () => {
  expect(absoluteRange(NOON, NOON + 3600e6)).toBe("2026-11-20T12:00:00Z..2026-11-20T13:00:00Z");
  expect(absoluteRange(NOON + 1e6, null)).toBe("2026-11-20T12:00:01Z..");
  expect(absoluteRange(NOON + 1000, null)).toBe("2026-11-20T12:00:00.001Z..");
  for (const [from, to] of [
    [NOON, NOON + 1e6],
    [null, NOON],
    [NOON + 5000, null],
  ] as const)
    expect(rangeSpan(absoluteRange(from, to), 0)).toEqual({ from, to });
});

it("names ranges", () => {
  expect(rangeLabel("24h")).toBe("Past 24 hours");
  expect(rangeLabel("3d")).toBe("Past 3 days");
  expect(rangeLabel("1d")).toBe("Past 1 day");
  expect(rangeLabel("..")).toBe("All time");
  expect(rangeLabel(absoluteRange(NOON, null))).toMatch(/^since 20 Nov/);
});

it("puts ticks on round moments inside the range", () => {
  const found = ticks(NOON + 7e6, NOON + 86_400e6, 8);
  expect(found.length).toBeGreaterThan(3);
  expect(found.length).toBeLessThanOrEqual(9);
  for (const at of found) {
    expect(at % 1800e6).toBe(0);
    expect(at).toBeGreaterThanOrEqual(NOON + 7e6);
  }
});

it("round-trips the local input", () => {
  expect(fromLocalInput(toLocalInput(NOON))).toBe(NOON);
  expect(fromLocalInput("")).toBeNull();
});

it("reaches back to the last run", () => {
  expect(defaultRange(NOON - 3600e6, NOON)).toBe("24h");
  expect(defaultRange(NOON - 3 * 86_400e6, NOON)).toBe("7d");
  expect(defaultRange(NOON - 20 * 86_400e6, NOON)).toBe("30d");
  expect(defaultRange(NOON - 400 * 86_400e6, NOON)).toBe("all");
  expect(defaultRange(null, NOON)).toBe("24h");
});
