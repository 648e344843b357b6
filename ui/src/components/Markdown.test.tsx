// @vitest-environment jsdom
import { cleanup, render } from "@testing-library/react";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { Markdown } from "./Markdown";
import MarkdownBlocks from "./MarkdownBlocks";

afterEach(cleanup);
// Code loads its highlighter by itself; it must have come before the environment goes.
afterAll(() => import("./highlight"));
const show = (text: string) => render(<MarkdownBlocks text={text} />).container;

describe("MarkdownBlocks", () => {
  it("shows raw HTML as text", () => {
    const page = show('Hello <script>alert(1)</script> and\n\n<img src=x onerror="alert(2)">');
    expect(page.querySelector("script, img")).toBeNull();
    expect(page.textContent).toContain("<script>alert(1)</script>");
    expect(page.textContent).toContain('onerror="alert(2)"');
  });

  it("links web addresses only, and loads no pictures", () => {
    const page = show("[good](https://example.org) [bad](javascript:alert(1)) ![pic](https://example.org/a.png)");
    const links = [...page.querySelectorAll("a")];
    expect(links.map((link) => link.getAttribute("href"))).toEqual(["https://example.org"]);
    expect(links[0].rel).toContain("noopener");
    expect(page.querySelector("img")).toBeNull();
    expect(page.textContent).toContain("pic");
  });

  it("draws lists, tables and code as elements", () => {
    const page = show("- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```json\n{}\n```");
    expect(page.querySelectorAll("li")).toHaveLength(2);
    expect(page.querySelectorAll("td")).toHaveLength(2);
    expect(page.querySelector("pre")?.textContent).toBe("{}");
  });

  it("does not take prices for formulas", () => {
    expect(show("It costs $5 and then $6 more.").textContent).toBe("It costs $5 and then $6 more.");
  });
});

it("shows no marks before the code for Markdown is there", () => {
  const { container } = render(<Markdown text={"## Plan\n\nFour nights, **then** Naoshima."} />);
  expect(container.textContent).toBe("Plan\n\nFour nights, then Naoshima.");
});
