import { describe, expect, it } from "vitest";
import { chatIn, lineText, mainText } from "./payload-text";

describe("mainText", () => {
  it("is the only text, the last message, or all of it", () => {
    expect(mainText({ answer: "Friday" })).toBe("Friday");
    expect(mainText({ output: { text: "nested" } })).toBe("nested");
    expect(mainText({ args: ["Hi"], kwargs: {} })).toBe("Hi");
    expect(mainText({ score: 3 })).toBe("3");
    expect(mainText({ a: 1, b: 2 })).toBe('{\n  "a": 1,\n  "b": 2\n}');
    expect(mainText(null)).toBe("");
    expect(mainText({})).toBe("");
    const messages = [
      { role: "system", content: "Be brief." },
      { role: "user", content: "Where is it?" },
    ];
    expect(mainText({ messages })).toBe("Where is it?");
    expect(mainText({ choices: [{ message: { role: "assistant", content: "There" } }] })).toBe("There");
  });
});

describe("lineText", () => {
  it("names several members", () => {
    expect(lineText({ question: "Where\n is it?", page: 2, tags: ["a"] })).toBe(
      'question: Where is it? · page: 2 · tags: ["a"]',
    );
    expect(lineText({ args: ["Hi"], kwargs: {} })).toBe("Hi");
    expect(lineText({ question: "Where\n is it?" })).toBe("Where is it?");
  });
});

describe("chatIn", () => {
  it("also finds a chat that has something beside it", () => {
    const messages = [{ role: "user", content: "Hi" }];
    expect(chatIn({ messages, language: "de" })).toEqual({
      messages: [{ role: "user", text: "Hi", calls: [] }],
      rest: { language: "de" },
    });
    expect(chatIn({ messages })?.rest).toBeNull();
    expect(chatIn({ question: "Hi" })).toBeNull();
  });
});

it("writes out in a line what would turn the text", () => {
  expect(lineText("a\u202eb")).toBe("a\\u202eb");
  expect(mainText("a\u202eb")).toBe("a\u202eb");
});
