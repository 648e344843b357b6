import { describe, expect, it } from "vitest";
import { isComplete, joinTerms, pickedState, pickValue, splitTerms, wordLikeJoiner } from "./filter";
import { quoteValue } from "@/lib/filter-text";

const texts = (filter: string): string[] => splitTerms(filter).map((term) => term.text);

describe("splitTerms", () => {
  it("cuts at blanks, but not inside quotes or groups", () => {
    expect(texts('status:error  name:"two words" any(type:tool is:error) cost:>0.5')).toEqual([
      "status:error",
      'name:"two words"',
      "any(type:tool is:error)",
      "cost:>0.5",
    ]);
  });

  it("keeps regular expressions whole", () => {
    expect(texts('/a b|"c/ -/(x\\/ y/ input:/a b/ meta.path:/api x')).toEqual([
      '/a b|"c/',
      "-/(x\\/ y/",
      "input:/a b/",
      "meta.path:/api",
      "x",
    ]);
    expect(splitTerms("error:/x/")[0].field).toBeNull();
    expect(isComplete("/a b")).toBe(false);
    expect(isComplete('/a (b"/')).toBe(true);
  });

  it("keeps loose alternatives together", () => {
    expect(texts("a OR b c")).toEqual(["a OR b c"]);
  });

  it("reads the field and the value of plain terms only", () => {
    expect(splitTerms("-model:gpt-5")[0]).toMatchObject({ field: "model", values: ["gpt-5"], negated: true });
    expect(splitTerms('name:"say \\"hi\\""')[0]).toMatchObject({ field: "name", values: ['say "hi"'] });
    expect(splitTerms("meta.plan:pro")[0]).toMatchObject({ field: "meta.plan", values: ["pro"] });
    for (const opaque of ["cost:>0.5", "model:claude-*", "latency:1s..2s", "refund", '"two words"', 'name~"x"'])
      expect(splitTerms(opaque)[0].field).toBeNull();
  });

  it("reads a group of alternatives of one field as one term", () => {
    expect(splitTerms("(model:a OR model:b)")[0]).toMatchObject({ field: "model", values: ["a", "b"] });
    expect(splitTerms("(model:a OR name:b)")[0].field).toBeNull();
  });

  it("survives text that is not finished", () => {
    expect(texts('name:"two wor')).toEqual(['name:"two wor']);
    expect(texts("any(status:error")).toEqual(["any(status:error"]);
    expect(texts("a) b")).toEqual(["a)", "b"]);
    expect(texts("   ")).toEqual([]);
  });
});

describe("joinTerms", () => {
  it("puts loose alternatives in parentheses when something joins them", () => {
    expect(joinTerms([{ text: "a OR b" }, { text: "c" }])).toBe("(a OR b) c");
    expect(joinTerms([{ text: "a OR b" }])).toBe("a OR b");
  });
});

describe("pickValue", () => {
  it("sets one value and takes it away again", () => {
    expect(pickValue("cost:>1", "model", "a", "only")).toBe("cost:>1 model:a");
    expect(pickValue("cost:>1 model:a", "model", "a", "only")).toBe("cost:>1");
    expect(pickValue("model:a", "model", "b", "only")).toBe("model:b");
  });

  it("adds alternatives, and removes one of them", () => {
    expect(pickValue("model:a", "model", "b", "add")).toBe("(model:a OR model:b)");
    expect(pickValue("(model:a OR model:b)", "model", "a", "add")).toBe("model:b");
    expect(pickValue("(model:a OR model:b)", "model", "b", "only")).toBe("model:b");
  });

  it("excludes, in place of wanting", () => {
    expect(pickValue("model:a", "model", "a", "exclude")).toBe("-model:a");
    expect(pickValue("-model:a", "model", "a", "exclude")).toBe("");
    expect(pickValue("-model:a", "model", "b", "exclude")).toBe("-model:a -model:b");
    expect(pickValue("-model:a", "model", "a", "only")).toBe("model:a");
  });

  it("leaves other syntax alone", () => {
    expect(pickValue("model:claude-* any(is:error)", "model", "a", "only")).toBe(
      "model:claude-* any(is:error) model:a",
    );
    expect(pickValue("a OR b", "model", "m", "only")).toBe("(a OR b) model:m");
  });

  it("quotes what needs quotes", () => {
    expect(pickValue("", "name", "two words", "only")).toBe('name:"two words"');
    for (const value of [
      "plain",
      "two words",
      'with "quotes"',
      "back\\slash",
      "-minus",
      "a*b",
      "OR",
      "(x)",
      "1..2",
      ">5",
    ])
      expect(splitTerms(`name:${quoteValue(value)}`)[0]).toMatchObject({ field: "name", values: [value] });
  });
});

describe("pickedState", () => {
  it("tells wanted from excluded", () => {
    const terms = splitTerms("(model:a OR model:b) -env:dev");
    expect(pickedState(terms, "model", "b")).toBe("wanted");
    expect(pickedState(terms, "env", "dev")).toBe("excluded");
    expect(pickedState(terms, "model", "c")).toBeNull();
  });
});

describe("isComplete", () => {
  it("waits for values, quotes and groups", () => {
    for (const open of [
      "status:",
      "-model:",
      'name:"a',
      "any(status:error",
      "cost:>",
      "cost:>=",
      "meta.plan:",
      "-",
      "a OR",
      "input~",
      "status:ok name:",
    ])
      expect(isComplete(open), open).toBe(false);
    for (const done of ["status:error", "refund", 'name:"a b"', "any(status:error)", "cost:>0.5", "", "OR"]) {
      if (done !== "OR") expect(isComplete(done), done).toBe(true);
    }
  });
});

describe("wordLikeJoiner", () => {
  it.each([
    ["refund or invoice", "or"],
    ["refund and invoice*", "and"],
    ["status:error Or status:pending", "or"],
    ["cost:>1 (tag:a or tag:b)", "or"],
    ["-any(type:tool and -(a OR is:error or b))", "and"],
    ["any(type:tool (a or b))", "or"],
    ["a OR b and c", "and"],
  ])("finds the one in %s", (text, word) => expect(wordLikeJoiner(text)).toBe(word));

  it.each([
    "",
    "or",
    "or invoice",
    "refund or",
    "refund OR invoice",
    "refund AND invoice",
    '"refund or invoice" due',
    'refund "or" invoice',
    "/refund or invoice/ due",
    'output:"this and that" due',
    "order android name:or",
    "refund or* invoice",
    "refund (or) invoice",
  ])("finds none in %j", (text) => expect(wordLikeJoiner(text)).toBeNull());
});
