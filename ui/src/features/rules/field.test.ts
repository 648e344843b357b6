import { expect, it } from "vitest";
import { joinField, splitField } from "./field";

const CHOICES = ["model", "usage.input_tokens", "metadata.<key>", "invocation_params.<key>"];

it.each([
  ["model", { choice: "model", key: "" }],
  ["usage.input_tokens", { choice: "usage.input_tokens", key: "" }],
  ["metadata.plan", { choice: "metadata.<key>", key: "plan" }],
  ["metadata.a.b", { choice: "metadata.<key>", key: "a.b" }],
  ["invocation_params.{*}", { choice: "invocation_params.<key>", key: "{*}" }],
])("takes %s apart and puts it together again", (field, parts) => {
  expect(splitField(field, CHOICES)).toEqual(parts);
  expect(joinField(parts.choice, parts.key)).toBe(field);
});

it("leaves what it does not know", () => {
  expect(splitField("colour", CHOICES)).toEqual({ choice: "", key: "" });
  expect(joinField("metadata.<key>", " plan ")).toBe("metadata.plan");
});
