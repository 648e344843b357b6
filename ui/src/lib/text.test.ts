import { expect, it } from "vitest";
import { onlyText, plainLine, previewLine } from "./text";

it.each([
  ["1. **Term**: 24 months 2. **Liability** capped", "1. Term: 24 months 2. Liability capped"],
  ["Division by zero: `1/0` raises `ZeroDivisionError`.", "Division by zero: 1/0 raises ZeroDivisionError."],
  ["Yes, *-masu ka* is polite", "Yes, -masu ka is polite"],
  ["## Plan Four nights", "Plan Four nights"],
  ["```python print(1/0) ``` why?", "print(1/0)  why?"],
  ["See [the guide](https://acme.dev/x)", "See the guide"],
  // What was cut off has no end.
  ["Yes. **Two nights on Nao", "Yes. Two nights on Nao"],
])("takes the marks of %j", (text, plain) => expect(plainLine(text)).toBe(plain));

it.each(["2 ** 3 ** 4", "all *.ts and *.css files", "snake_case_name", "a * b * c", '{"a":"**b**"}', "price 5*"])(
  "leaves %j",
  (text) => expect(plainLine(text)).toBe(text),
);

it.each([
  ['{"args":["Hi **you**"],"kwargs":{}}', "Hi you"],
  ['[["Hi"]]', "Hi"],
  ['{"a":"","b":null,"c":{"text":"one\\n two"}}', "one two"],
  // Cut inside the text.
  ['{"args":["Hi, my invoice says \\"tw…', 'Hi, my invoice says "tw…'],
  ['{"args":["half an escape \\u00…', "half an escape…"],
  ['{"args":["ends in a backslash \\…', "ends in a backslash…"],
  ["**Term**: 24 months", "Term: 24 months"],
])("says the only text of %j", (preview, text) => expect(previewLine(preview)).toBe(text));

it.each([
  '{"city":"Paris","degrees":17}',
  '{"from":"Rome","to":"Paris"}',
  '["a","b"]',
  "[1, 2]",
  "{}",
  '{"args":["Hi"],"kwargs":{"mod…',
  '{"args":["Hi"],…',
  '{"args":["Hi"],"kwargs":{"model":"gpt…',
  "{not JSON}",
])("leaves %j as it is", (preview) => expect(previewLine(preview)).toBe(preview));

it("knows the only text of a value", () => {
  expect(onlyText({ args: ["Hi"], kwargs: {} })).toBe("Hi");
  expect(onlyText({ args: ["Hi", true] })).toBeNull();
  expect(onlyText("Hi")).toBe("Hi");
  expect(onlyText({})).toBeNull();
  expect(onlyText(undefined)).toBeNull();
});

it.each([
  ["sent to \u202emoc.live", "sent to \\u202emoc.live"],
  ['{"q":"a\\u202eb"}', "a\\u202eb"],
])("does not let %j turn what follows", (preview, text) => expect(previewLine(preview)).toBe(text));
