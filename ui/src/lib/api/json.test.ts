import { expect, it } from "vitest";
import { BigNumber, parseJson, printJson } from "./json";

it("parses ordinary documents as JSON.parse does", () => {
  expect(parseJson('{"a":[1,2.5,"x",null,true]}')).toEqual({ a: [1, 2.5, "x", null, true] });
});

it("does not touch safe integers and long digits in text", () => {
  expect(parseJson('{"us":1700000000123456,"id":"12345678901234567890"}')).toEqual({
    us: 1_700_000_000_123_456,
    id: "12345678901234567890",
  });
});

it("keeps the digits of 64-bit integers where the engine gives the source text", () => {
  const value = (parseJson('{"id":9007199254740993123}') as { id: unknown }).id;
  // Node 20 has no source access in revivers; browsers of the last two years do.
  if (value instanceof BigNumber) expect(printJson({ id: value })).toContain("9007199254740993123");
  else expect(value).toBe(Number("9007199254740993123"));
});
