import { expect, it } from "vitest";
import { tokensOf } from "./markdown-tokens";

it("reads a text once while it is among the last ones", () => {
  const first = tokensOf("# one");
  expect(first[0]).toMatchObject({ type: "heading", depth: 1 });
  for (let n = 0; n < 150; n++) tokensOf(`text ${n}`);
  expect(tokensOf("# one")).toBe(first);
  for (let n = 0; n < 150; n++) tokensOf(`other ${n}`);
  // It was used since, so the older ones went.
  expect(tokensOf("# one")).toBe(first);
  for (let n = 0; n < 300; n++) tokensOf(`more ${n}`);
  expect(tokensOf("# one")).not.toBe(first);
});

it("does not keep a long text", () => {
  const long = "word ".repeat(3_000);
  expect(tokensOf(long)).not.toBe(tokensOf(long));
});
