import { expect, it } from "vitest";
import { excerpt } from "./excerpt";

const user = (content: string) => ({ role: "user", content });

it("shows the first messages of an input and the last of an output", () => {
  const messages = ["a", "b", "c", "d", "e"].map(user);
  expect(excerpt({ messages, rest: null }, false)).toMatchObject({
    parts: [{ text: "a" }, { text: "b" }, { text: "c" }],
    hidden: 2,
  });
  expect(excerpt({ messages, rest: null }, true).parts[0].text).toBe("c");
});

it("reads parts and tool calls", () => {
  const message = {
    role: "assistant",
    content: [
      { type: "text", text: "Let me look." },
      { type: "image", url: "https://example.com/x.png" },
    ],
    tool_calls: [{ id: "1", name: "search", arguments: { q: "kyoto" } }],
  };
  expect(excerpt({ messages: [message], rest: null }, false).parts[0].text).toBe(
    'Let me look.\n[image]\n→ search({"q":"kyoto"})',
  );
});

it("falls back to JSON, and to nothing", () => {
  expect(excerpt({ messages: [], rest: { a: 1 } }, false).parts[0].text).toBe('{\n  "a": 1\n}');
  expect(excerpt({ messages: [], rest: "plain" }, false).parts[0].text).toBe("plain");
  expect(excerpt({ messages: [], rest: null }, false).parts).toEqual([]);
  expect(excerpt(undefined, false).parts).toEqual([]);
});

it("cuts long text", () => {
  expect(excerpt({ messages: [user("x".repeat(5000))], rest: null }, false).parts[0].text.length).toBeLessThan(800);
});
