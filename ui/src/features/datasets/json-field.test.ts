import { describe, expect, it } from "vitest";
import { readObject, readSplits } from "./json-field";

describe("readObject", () => {
  it("reads objects, and nothing as null", () => {
    expect(readObject(' {"a": [1]} ')).toEqual({ value: { a: [1] } });
    expect(readObject("  ")).toEqual({ value: null });
  });

  it("says the line of a mistake", () => {
    expect(readObject('{\n  "a": 1,\n  b: 2\n}')).toEqual({ problem: expect.stringContaining("(line 3)") });
    expect(readObject("[1]")).toEqual({ problem: expect.stringContaining("an object") });
    expect(readObject("null")).toEqual({ problem: expect.stringContaining("an object") });
  });
});

describe("readSplits", () => {
  it("takes names once, without spaces around them", () => {
    expect(readSplits(" test, train ,,test")).toEqual(["test", "train"]);
  });
});
