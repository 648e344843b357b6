import { expect, it } from "vitest";
import { plainLine } from "./text";

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
