import { describe, expect, it } from "vitest";
import { mergeFirst, newKeys, patchRows } from "./merge";
import type { ListRow, RowPage } from "./rows";

const row = (key: string, status: ListRow["status"] = "success"): ListRow => ({ key, status }) as ListRow;
const page = (keys: string, next: string | null): RowPage => ({ rows: [...keys].map((key) => row(key)), next });
const keys = (pages: RowPage[]): string => pages.flatMap((p) => p.rows.map((r) => r.key)).join("");

describe("mergeFirst", () => {
  it("puts new rows on top and keeps what lies beyond the fresh page", () => {
    const merged = mergeFirst([page("def", "c1"), page("ghi", "c2")], page("bcd", "x"));
    expect(keys(merged)).toBe("bcdefghi");
    expect(merged.at(-1)?.next).toBe("c2");
  });

  it("drops rows that the fresh page skips", () => {
    expect(keys(mergeFirst([page("defg", "c1")], page("dfg", "x")))).toBe("dfg");
    expect(keys(mergeFirst([page("defgh", "c1")], page("df", "x")))).toBe("dfgh");
  });

  it("takes a row that arrived late into its place", () => {
    expect(keys(mergeFirst([page("bdef", "c1")], page("bcd", "x")))).toBe("bcdef");
  });

  it("starts anew when nothing joins the two", () => {
    const merged = mergeFirst([page("xyz", "c1")], page("abc", "n"));
    expect(keys(merged)).toBe("abc");
    expect(merged[0].next).toBe("n");
  });

  it("is the fresh page when that is everything", () => {
    expect(keys(mergeFirst([page("abcdef", "c1")], page("ab", null)))).toBe("ab");
    expect(keys(mergeFirst([], page("ab", "n")))).toBe("ab");
  });

  it("never doubles a row, also when the last fresh row is not known", () => {
    expect(keys(mergeFirst([page("cefg", "c1")], page("acd", "x")))).toBe("acdefg");
  });
});

it("patchRows updates in place and moves nothing", () => {
  const patched = patchRows([page("ab", "c1"), page("c", null)], [row("z"), row("c", "error"), row("a", "pending")]);
  expect(keys(patched)).toBe("abc");
  expect(patched.flatMap((p) => p.rows.map((r) => r.status))).toEqual(["pending", "success", "error"]);
});

it("newKeys counts what the list does not hold", () => {
  expect(newKeys([row("a")], [row("z"), row("a"), row("y")])).toEqual(["z", "y"]);
});
