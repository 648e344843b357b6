import { describe, expect, it } from "vitest";
import type { Message } from "@/lib/api/types";
import { buildChat, partsOf, plainText, reportsError } from "./chat";

const call = (id: string, name: string) => ({ id, name, arguments: { q: 1 } });
const history: Message[] = [
  { role: "system", content: "Be brief." },
  { role: "user", content: "Convert" },
  { role: "assistant", content: "", tool_calls: [call("a", "fx"), call("b", "sql")] },
  { role: "tool", tool_call_id: "a", content: "1.2" },
  { role: "tool", tool_call_id: "b", content: "{}" },
  { role: "tool", tool_call_id: "gone", content: "lost" },
];

describe("buildChat", () => {
  it("splits system, re-sent and new, and pairs results with calls", () => {
    const chat = buildChat(history, [{ role: "assistant", content: "Done" }], 2);
    expect(chat.system).toHaveLength(1);
    expect(chat.earlier.map((turn) => turn.message.role)).toEqual(["user"]);
    expect(chat.fresh.map((turn) => turn.message.role)).toEqual(["assistant", "tool"]);
    expect(chat.fresh[0].calls.map((slot) => slot.result?.message.content)).toEqual(["1.2", "{}"]);
    expect(chat.fresh[1].message.content).toBe("lost");
    expect(chat.response).toHaveLength(1);
  });

  it("keeps a result apart from a call that is in the re-sent part, but knows its tool", () => {
    const chat = buildChat(history, [], 3);
    expect(chat.fresh).toHaveLength(3);
    expect(chat.toolNames.get("b")).toBe("sql");
  });

  it("survives a prefix longer than the list, and lists without a system message", () => {
    expect(buildChat(history, [], 99).fresh).toEqual([]);
    expect(buildChat([{ role: "user", content: "hi" }], [], 0)).toMatchObject({ system: [], earlier: [] });
  });
});

it("reads content of every form", () => {
  expect(partsOf({ role: "user", content: null })).toEqual([]);
  expect(partsOf({ role: "user", content: "x" })).toEqual([{ type: "text", text: "x" }]);
  expect(plainText({ role: "assistant", content: "Hi", tool_calls: [call("a", "fx")] })).toBe('Hi\n\nfx({"q":1})');
});

it("draws the image forms of the large providers, and keeps what it does not know", () => {
  const parts = partsOf({
    role: "user",
    content: [
      { type: "image_url", image_url: { url: "https://example.org/a.png" } },
      { type: "input_image", image_url: "data:image/png;base64,AA==" },
      { type: "image", source: { type: "base64", media_type: "image/png", data: "AA==" } },
      { type: "custom", value: 1 },
      "text" as never,
      null as never,
    ],
  });
  expect(parts).toEqual([
    { type: "image", url: "https://example.org/a.png" },
    { type: "image", url: "data:image/png;base64,AA==" },
    { type: "image", data: "AA==", mime_type: "image/png" },
    { type: "custom", value: 1 },
    { type: "text", text: "text" },
  ]);
});

it("sees errors in tool results only", () => {
  expect(reportsError({ role: "tool", content: '{"error":"no"}' })).toBe(true);
  expect(reportsError({ role: "tool", content: '{"error":null,"ok":1}' })).toBe(false);
  expect(reportsError({ role: "user", content: '{"error":"no"}' })).toBe(false);
});
