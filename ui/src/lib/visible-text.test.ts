import { expect, it } from "vitest";
import { shownName, shownValue, showTurns } from "./visible-text";

it.each([
  ["invoice\u202egpj.exe", "invoice\\u202egpj.exe"],
  ["\u2066a\u2069 b", "\\u2066a\\u2069 b"],
  // Letters that run from right to left, and the marks that only stand between them, stay.
  ["שלום\u200f", "שלום\u200f"],
  ["👩\u200d💻 plain", "👩\u200d💻 plain"],
])("writes out what turns %j", (text, shown) => expect(showTurns(text)).toBe(shown));

it.each(["", " ", "\t\n", "\u00a0\u3000", "\u200b", "\u3164", "\u2800"])("calls %j unnamed", (name) =>
  expect(shownName(name)).toBe("unnamed"),
);

it.each(["agent", " a ", "_", "0"])("leaves the name %j", (name) => expect(shownName(name)).toBe(name));

it.each([
  ["", "“”"],
  ["  ", "“␣␣”"],
  ["\t\u200b", "“\\u0009\\u200b”"],
  [" ".repeat(300), "“␣␣␣␣␣␣␣␣…”"],
  ["\u202e", "\\u202e"],
  ["beta", "beta"],
])("shows the value %j", (value, shown) => expect(shownValue(value)).toBe(shown));
