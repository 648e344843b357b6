import { describe, expect, it } from "vitest";
import { addressFor, fillIn, SNIPPETS } from "./snippets";

const open = { url: "http://10.0.0.7:9000", key: null };
const locked = { url: "https://traces.example.com", key: "cs_secret" };

describe.each(SNIPPETS)("$name", (snippet) => {
  const text = `${snippet.setup ?? ""}\n${snippet.code}`;

  it("names the default address, and the page's address takes its place everywhere", () => {
    expect(text).toContain("http://127.0.0.1:4318");
    const filled = fillIn(text, open);
    expect(filled).toContain(open.url);
    expect(filled).not.toContain("127.0.0.1");
  });

  it("carries the key when there is one, and only then", () => {
    expect(fillIn(text, locked)).toContain(locked.key);
    expect(fillIn(text, open)).not.toMatch(/x-api-key/);
  });

  it("says which variables a model needs", () => {
    expect(/(\w+)_API_KEY:-your/.exec(text)?.[1] ?? null).toBe(snippet.callsModel);
  });
});

it("is the address of the page for readers on other machines", () => {
  const server = "http://127.0.0.1:4318";
  expect(addressFor({ origin: "http://localhost:5173", hostname: "localhost" }, server)).toBe(server);
  expect(addressFor({ origin: "http://box.lan:4318", hostname: "box.lan" }, server)).toBe("http://box.lan:4318");
});
