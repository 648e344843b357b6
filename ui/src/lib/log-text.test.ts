import { describe, expect, it } from "vitest";
import { BigNumber } from "./api/json";
import { atLeast, lineOf, oneLine, valueText } from "./log-text";

describe("lineOf", () => {
  it("shows text as it is, in one line", () => {
    expect(lineOf({ body: "one\n  two\tthree ", attributes: { a: 1 } })).toBe("one two three");
  });

  it("shows structured bodies as JSON", () => {
    expect(lineOf({ body: { role: "user", content: "hi" }, attributes: {} })).toBe('{"role":"user","content":"hi"}');
    expect(lineOf({ body: 0, attributes: {} })).toBe("0");
  });

  it("falls back to the attributes where there is no body", () => {
    expect(lineOf({ body: null, attributes: { "http.method": "GET", n: 3 } })).toBe("http.method=GET n=3");
    expect(lineOf({ body: "", attributes: {} })).toBe("");
  });

  it("cuts what no window can show", () => {
    expect(lineOf({ body: "x".repeat(5_000), attributes: {} })).toHaveLength(600);
    expect(oneLine("a b", 1)).toBe("a");
  });
});

it("keeps the digits of long integers", () => {
  expect(valueText(new BigNumber("12345678901234567890"))).toBe("12345678901234567890");
});

it("orders levels; no level is below all", () => {
  expect(atLeast("fatal", "warn")).toBe(true);
  expect(atLeast("warn", "warn")).toBe(true);
  expect(atLeast("info", "warn")).toBe(false);
  expect(atLeast(null, "trace")).toBe(false);
});

it("writes out in a line what would turn the text", () => {
  expect(lineOf({ body: "a\u202eb", attributes: {} })).toBe("a\\u202eb");
  expect(lineOf({ body: null, attributes: { key: "a\u2067b" } })).toBe("key=a\\u2067b");
});
