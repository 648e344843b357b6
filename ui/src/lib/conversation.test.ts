import { describe, expect, test } from "vitest";
import type { Message, Run } from "./api/types";
import { answerOf, markdownOf, questionOf, textIn } from "./conversation";

const user = (content: string): Message => ({ role: "user", content });
const assistant = (content: string, more: Partial<Message> = {}): Message => ({ role: "assistant", content, ...more });
const inputs = (messages: Message[], rest: unknown = null) => ({ inputs: { messages, rest } }) as Pick<Run, "inputs">;
const outputs = (messages: Message[], rest: unknown = null) =>
  ({ outputs: { messages, rest } }) as Pick<Run, "outputs">;

describe("the question of a turn", () => {
  test("of a history is what came after the last answer", () => {
    const history = [
      { role: "system", content: "Be kind." },
      user("one"),
      assistant("first"),
      user("two"),
      user("and?"),
    ];
    expect(questionOf(inputs(history)).messages).toEqual([user("two"), user("and?")]);
  });
  test("is the user's last words when the input ends with an answer to be continued", () => {
    expect(questionOf(inputs([user("one"), assistant("Well,")])).messages).toEqual([user("one")]);
  });
  test("is text, or else what was sent", () => {
    expect(questionOf(inputs([], { question: "why?" }))).toMatchObject({ text: "why?", rest: null });
    expect(questionOf(inputs([], { question: "why?", user: "u" })).text).toBe("why?");
    expect(questionOf(inputs([], { a: 1, b: 2 }))).toMatchObject({ text: null, rest: { a: 1, b: 2 } });
    expect(questionOf(inputs([], {}))).toMatchObject({ messages: [], text: null, rest: null });
  });
});

describe("the answer of a turn", () => {
  test("leaves out the history, calls of tools and their results", () => {
    const call = assistant("", { tool_calls: [{ id: "1", name: "look", arguments: {} }] });
    const graph = [
      user("one"),
      assistant("first"),
      user("two"),
      call,
      { role: "tool", content: "42" },
      assistant("last"),
    ];
    expect(answerOf(outputs(graph)).messages).toEqual([assistant("last")]);
  });
  test("is nothing when the turn failed before it", () => {
    expect(answerOf(outputs([user("two")]))).toEqual({ messages: [], text: null, rest: null });
  });
});

test("text is found under its only name or a known one", () => {
  expect(textIn({ whatever: "x" }, [])).toBe("x");
  expect(textIn({ score: 1, answer: "x" }, ["answer"])).toBe("x");
  expect(textIn({ args: ["x"], kwargs: {} }, [])).toBe("x");
  expect(textIn({ score: 1, other: "x" }, ["answer"])).toBeNull();
  expect(textIn(["x"], ["answer"])).toBeNull();
});

test("a side as Markdown keeps what cannot be read as JSON", () => {
  expect(markdownOf({ messages: [user("**hi**")], text: null, rest: null })).toBe("**hi**");
  expect(markdownOf({ messages: [], text: null, rest: { a: 1 } })).toBe('```json\n{\n  "a": 1\n}\n```');
});
