import { describe, expect, it } from "vitest";
import { BigNumber } from "@/lib/api/json";
import { jqPath, jsonRows, openTo } from "./json-rows";

const none = new Map<string, boolean>();

describe("jsonRows", () => {
  it("opens two levels and closes what is large", () => {
    const data = { a: { b: { c: 1 } }, list: Array.from({ length: 100 }, (_, i) => i) };
    expect(jsonRows(data, none).map((row) => row.path)).toEqual(["", "/a", "/a/b", "/list"]);
    expect(jsonRows(data, new Map([["/list", true]]))).toHaveLength(104);
    expect(jsonRows(data, new Map([["", false]]))).toHaveLength(1);
  });

  it("treats long integers as leaves and empty containers as closed", () => {
    const rows = jsonRows({ id: new BigNumber("9007199254740993"), none: {} }, none);
    expect(rows[1].entries).toBe(-1);
    expect(rows[2]).toMatchObject({ entries: 0, open: false });
  });

  it("opens to a pointer with escaped names", () => {
    const data = { x: { "a/b": { "~": { deep: 1 } } } };
    const rows = jsonRows(data, openTo("/x/a~1b/~0/deep", none));
    expect(rows.at(-1)?.path).toBe("/x/a~1b/~0/deep");
  });
});

it("writes paths for jq", () => {
  expect(jqPath("/a/0/b c")).toBe('.a[0]["b c"]');
  expect(jqPath("/0/x")).toBe(".[0].x");
  expect(jqPath("")).toBe(".");
});
