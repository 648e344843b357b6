import { describe, expect, it } from "vitest";
import { chartTitle, formatNumber, measure, unitWord } from "./measure";

it("writes three digits that count", () => {
  const shown = [0, 0.012_345, 1, 3.14159, 99.96, 123.4, 1234, 9994, 12_345, 1_234_567, 2.5e9, -4.5].map(formatNumber);
  expect(shown).toEqual(["0", "0.0123", "1", "3.14", "100", "123", "1,234", "9,994", "12.3k", "1.23M", "2.5B", "−4.5"]);
});

describe("measure", () => {
  it("reads units of time and size", () => {
    expect(measure(1.5, "s", "avg")).toBe("1.50 s");
    expect(measure(240, "ms", "p95")).toBe("240 ms");
    expect(measure(0.0000004, "s", "min")).toBe("4e-7 s");
    expect(measure(0, "s", "min")).toBe("0 s");
    expect(measure(2_500_000, "By", "last")).toBe("2.5 MB");
    expect(measure(3, "MiBy", "last")).toBe("3.1 MB");
  });

  it("leaves annotations to the title", () => {
    expect(measure(2100, "{token}", "avg")).toBe("2,100");
    expect(measure(12.5, "1", "last")).toBe("12.5");
    expect(measure(0.25, "USD", "sum")).toBe("$0.25");
    expect(measure(94, "%", "last")).toBe("94%");
  });

  it("is per second for rates, and counts have no unit", () => {
    expect(measure(0.4, "{call}", "rate")).toBe("0.4/s");
    expect(measure(20, "s", "count")).toBe("20");
  });

  it("does not make up a number", () => {
    expect(measure(null, "s", "avg")).toBe("–");
    expect(measure(Number.NaN, "s", "avg")).toBe("–");
  });
});

it("names units and charts", () => {
  expect(unitWord("{token}")).toBe("tokens");
  expect(unitWord("{requests}")).toBe("requests");
  expect(unitWord("1")).toBeNull();
  expect(unitWord("Cel")).toBe("Cel");
  expect(chartTitle("avg", "s")).toBe("Average in seconds");
  expect(chartTitle("rate", "{call}")).toBe("Calls per second");
  expect(chartTitle("sum", null)).toBe("Sum");
  expect(chartTitle("count", "s")).toBe("Number of values");
});
