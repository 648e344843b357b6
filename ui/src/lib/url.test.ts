import { describe, expect, it } from "vitest";
import { flagParam, parseSearch, stringifySearch, wordParam } from "./url";

describe("search parameters", () => {
  it("round-trips filter text, and leaves out what is empty", () => {
    const search = { q: 'status:error cost:>0.50 name~"a+b & c=d"', t: "24h", peek: undefined, cp: true };
    const text = stringifySearch(search);
    expect(text).toContain("q=status:error+cost:>0.50");
    expect(parseSearch(text)).toEqual({ q: search.q, t: "24h", cp: "1" });
  });

  it("keeps numbers and booleans in text as text", () => {
    expect(parseSearch("?q=123&find=true")).toEqual({ q: "123", find: "true" });
    expect(stringifySearch({})).toBe("");
  });

  it("validates words and flags", () => {
    expect(wordParam("cost", ["time", "cost"])).toBe("cost");
    expect(wordParam("x", ["time", "cost"])).toBeUndefined();
    expect(flagParam("1")).toBe(true);
    expect(flagParam("0")).toBeUndefined();
  });
});
