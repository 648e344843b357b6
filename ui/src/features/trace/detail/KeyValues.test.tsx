// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { KeyValues } from "./KeyValues";

afterEach(cleanup);

it("writes out marks that turn text, in names and values, and copies them as they were sent", () => {
  const copied: string[] = [];
  const writeText = (text: string) => Promise.resolve(void copied.push(text));
  vi.stubGlobal("navigator", { ...navigator, clipboard: { writeText } });
  const { container } = render(<KeyValues groups={[{ title: "Metadata", values: { "a\u202e": "b\u2066c" } }]} />);
  const marks = [...container.querySelectorAll("[data-mark]")].map((mark) => mark.getAttribute("data-mark"));
  expect(marks).toEqual(["\\u202e", "\\u2066"]);
  expect(container.querySelector("dd span")?.textContent).toBe("b\u2066c");
  fireEvent.click(screen.getByRole("button", { name: "Copy a\\u202e" }));
  expect(copied).toEqual(["b\u2066c"]);
});
