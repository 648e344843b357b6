import { describe, expect, it } from "vitest";
import { messagesIn } from "./messages-in";

const plain = (role: string, text: string, calls: unknown[] = []) => ({ role, text, calls });

describe("the chat inside of a payload", () => {
  it("reads the forms of the clients", () => {
    const call = { id: "c", type: "function", function: { name: "find", arguments: '{"q":1}' } };
    const lc = (name: string, kwargs: object) => ({ lc: 1, type: "constructor", id: ["langchain", name], kwargs });
    const cases: [unknown, unknown][] = [
      [{ messages: [{ role: "user", content: "Hi" }] }, [plain("user", "Hi")]],
      [
        { choices: [{ message: { role: "assistant", content: null, tool_calls: [call] } }] },
        [plain("assistant", "", [{ name: "find", arguments: '{"q":1}' }])],
      ],
      [{ messages: [[lc("HumanMessage", { content: "Hi" })]] }, [plain("user", "Hi")]],
      [
        { generations: [[{ text: "Yo", message: lc("AIMessage", { content: "Yo", type: "ai" }) }]] },
        [plain("assistant", "Yo")],
      ],
      [{ role: "assistant", content: [{ type: "text", text: "a" }] }, [plain("assistant", "a")]],
    ];
    for (const [value, messages] of cases) expect(messagesIn(value), JSON.stringify(value)).toEqual(messages);
  });

  it("leaves alone what holds more than messages", () => {
    const others: unknown[] = [
      null,
      "text",
      [],
      { question: "Hi" },
      { messages: [{ role: "user", content: "Hi" }], top_k: 3 },
      { messages: ["Hi"] },
      { messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "x" } }] }] },
    ];
    for (const value of others) expect(messagesIn(value), JSON.stringify(value)).toBeNull();
  });
});
