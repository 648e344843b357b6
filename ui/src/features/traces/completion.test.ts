import { expect, it } from "vitest";
import { accept, beginsField, suggest, whileTyping, wordAt } from "./completion";

const facets = [
  {
    field: "model",
    values: [
      { value: "gpt-5-mini", count: 1200 },
      { value: "claude-opus-4.5", count: 7 },
    ],
  },
  { field: "environment", values: [{ value: "production", count: 3 }] },
  { field: "name", values: [{ value: "trip planner", count: 3 }] },
];
const labels = (text: string): string[] => suggest(text, text.length, facets).map((item) => item.label);

it("offers fields by their beginning", () => {
  expect(labels("la")).toEqual(["latency"]);
  expect(labels("status:error mo")).toEqual(["model"]);
  expect(labels("-us")).toEqual(["user"]);
  expect(labels("any(mo")).toEqual(["model"]);
  expect(labels("in")).toEqual(["input_cost", "input_tokens", "input"]);
  expect(labels("outp")).toEqual(["output_cost", "output_tokens", "output"]);
});

it("offers values with their counts, those that begin so first", () => {
  expect(suggest("model:", 6, facets).map((item) => [item.label, item.hint])).toEqual([
    ["gpt-5-mini", "1,200"],
    ["claude-opus-4.5", "7"],
  ]);
  expect(labels("model:op")).toEqual(["claude-opus-4.5"]);
  expect(labels("env:")).toEqual(["production"]);
  expect(labels("status:er")).toEqual(["error"]);
  expect(labels("cost:>")).toEqual([]);
});

it("takes a suggestion in the place of the word", () => {
  const text = "cost:>1 -mod";
  expect(accept(text, text.length, suggest(text, text.length, facets)[0])).toEqual({
    text: "cost:>1 -model:",
    caret: 15,
  });
  const value = "name:tr";
  expect(accept(value, 7, suggest(value, 7, facets)[0]).text).toBe('name:"trip planner" ');
});

it("finds the word under the cursor, quotes respected", () => {
  expect(wordAt('name:"trip pl', 13)).toEqual({ start: 0, word: 'name:"trip pl' });
  expect(wordAt("a b", 3)).toEqual({ start: 2, word: "b" });
});

it("knows a word that may become a field", () => {
  for (const text of ["mod", "cost:>1 -lat", "status"]) expect(beginsField(text), text).toBe(true);
  for (const text of ["refund", "model:gpt", "", "cost:>1 ", '"name']) expect(beginsField(text), text).toBe(false);
});

it("asks for words that begin so while one is being typed", () => {
  for (const [text, asked] of [
    ["refu", "refu*"],
    ["status:error refu", "status:error refu*"],
    ["-größ", "-größ*"],
    ["input:refu", "input:refu*"],
    ["model:gpt", "model:gpt"],
    ["meta.plan:pro", "meta.plan:pro"],
    ["refund ", "refund "],
    ['"two words"', '"two words"'],
    ["/re", "/re"],
    ["pre*", "pre*"],
    ["", ""],
  ])
    expect(whileTyping(text), text).toBe(asked);
});
