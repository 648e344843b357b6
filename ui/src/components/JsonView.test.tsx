// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeAll, expect, it } from "vitest";
import { JsonView } from "./JsonView";

beforeAll(() => {
  globalThis.ResizeObserver = class {
    observe() {}
    unobserve() {}
    disconnect() {}
  };
});
afterEach(cleanup);

it("folds and unfolds by pointer and by keys", () => {
  render(<JsonView data={{ a: { b: { c: 1 } } }} maxHeight={400} />);
  const tree = screen.getByRole("tree");
  const paths = () => screen.getAllByRole("treeitem").length;
  expect(paths()).toBe(3);
  fireEvent.click(screen.getAllByRole("treeitem")[2]);
  expect(paths()).toBe(4);
  fireEvent.keyDown(tree, { key: "Home" });
  fireEvent.keyDown(tree, { key: "ArrowLeft" });
  expect(paths()).toBe(1);
});

it("keeps only what is on screen as elements", () => {
  render(<JsonView data={Array.from({ length: 5000 }, (_, i) => i)} maxHeight={400} />);
  expect(screen.getAllByRole("treeitem").length).toBeLessThan(60);
});

it("opens long texts apart, and says what embedded files are", () => {
  render(
    <JsonView data={{ long: "x".repeat(1000), pic: `data:image/png;base64,${"A".repeat(4000)}` }} maxHeight={400} />,
  );
  expect(screen.getByText("1,000 characters")).toBeTruthy();
  expect(screen.getByText(/image\/png/)).toBeTruthy();
  expect(screen.queryByText(/AAAA/)).toBeNull();
  fireEvent.click(screen.getAllByRole("treeitem")[1]);
  expect(screen.getByRole("region", { name: "Text of long" }).textContent).toContain("x".repeat(1000));
});
