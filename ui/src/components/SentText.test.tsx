// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Message } from "@/lib/api/types";
import { MessageCard } from "./chat/MessageCard";
import { turnsOf } from "./chat/chat";
import { Code } from "./Code";
import { JsonView } from "./JsonView";
import MarkdownBlocks from "./MarkdownBlocks";
import { SentText } from "./SentText";
import { ValueView } from "./ValueView";
import { WordDiff } from "./WordDiff";

const SENT = "if access != \u202e\u2066// admins only\u2069 \u2066";
const MARKS = ["\\u202e", "\\u2066", "\\u2069", "\\u2066"];

beforeAll(() => {
  globalThis.ResizeObserver = class {
    observe() {}
    unobserve() {}
    disconnect() {}
  };
});
// Code loads its highlighter by itself; it must have come before the environment goes.
afterAll(() => import("./highlight"));
const copied: string[] = [];
beforeEach(() => {
  copied.length = 0;
  const writeText = (text: string) => Promise.resolve(void copied.push(text));
  vi.stubGlobal("navigator", { ...navigator, clipboard: { writeText } });
});
afterEach(cleanup);

const marksIn = (element: Element): (string | null)[] =>
  [...element.querySelectorAll("[data-mark]")].map((mark) => mark.getAttribute("data-mark"));

/** Every mark stands in an element of its own. */
const expectSeen = (element: Element) => {
  expect(marksIn(element)).toEqual(expect.arrayContaining(MARKS));
  const copy = element.cloneNode(true) as Element;
  for (const mark of copy.querySelectorAll("[data-mark]")) mark.remove();
  expect(copy.outerHTML).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
};

it("writes marks out beside what was sent, which is what is selected", () => {
  const { container } = render(<SentText text={SENT} />);
  expect(container.textContent).toBe(SENT);
  expect(marksIn(container)).toEqual(MARKS);
  expectSeen(container);
});

it("leaves text without such marks alone, and bounds its elements", () => {
  expect(render(<SentText text="שלום\u200f <b>" />).container.innerHTML).toBe("שלום\\u200f &lt;b&gt;");
  cleanup();
  const { container } = render(<SentText text={"\u202ea".repeat(5_000)} />);
  expect(marksIn(container)).toHaveLength(1_000);
  expect(container.textContent).toMatch(/\\u202ea$/);
});

describe.each([
  ["code", <Code key="c" code={SENT} />],
  ["a tree", <JsonView key="j" data={{ [SENT]: 1, b: SENT }} maxHeight={400} />],
  [
    "Markdown",
    <MarkdownBlocks key="m" text={`# ${SENT}\n\n- \`${SENT}\` [a ${SENT}](https://x.org)\n\n> **${SENT}**`} />,
  ],
  ["code in Markdown", <MarkdownBlocks key="n" text={`\`\`\`\n${SENT}\n\`\`\``} />],
  ["a formula", <MarkdownBlocks key="f" text={`$$\n${SENT}\n$$`} />],
  ["a payload", <ValueView key="v" label="Input" value={{ [SENT]: 1 }} />],
  ["a difference", <WordDiff key="w" before={SENT} after={`${SENT} more`} />],
])("%s", (_, element) => {
  it("shows the marks", () => expectSeen(render(element).container));
});

it("shows them in messages, tools and their arguments, and copies what was sent", async () => {
  const message = {
    role: "assistant",
    content: [{ type: "text", text: SENT }],
    tool_calls: [{ id: SENT, name: SENT, arguments: { [SENT]: SENT } }],
  } as unknown as Message;
  const { container } = render(<MessageCard turn={turnsOf([message])[0]} toolNames={new Map()} />);
  await screen.findByText(/Copy message|if access/, { selector: "p" });
  expectSeen(container);
  fireEvent.click(screen.getByRole("button", { name: "Copy message" }));
  expect(copied.join()).toContain(SENT);
});

it("copies values of trees as they were sent", () => {
  render(<JsonView data={{ b: SENT }} maxHeight={400} />);
  fireEvent.click(screen.getAllByRole("button", { name: "Copy value" })[1]);
  expect(copied).toEqual([SENT]);
});
