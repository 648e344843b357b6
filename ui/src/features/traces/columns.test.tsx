// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { columnsOf } from "./columns";
import type { ListRow } from "./rows";

afterEach(cleanup);

const [cost, name, tags, user, blank] = columnsOf(["cost", "name", "tags", "user", "meta. "], "traces");
const row = (patch: Partial<ListRow>): ListRow => ({ runs: 3, status: "success", ...patch }) as ListRow;

it.each([
  [row({ cost: "0.02", unpriced: true }), "≥ $0.020", "is:unpriced finds such traces"],
  [row({ cost: null, unpriced: true }), "unpriced", "is:unpriced finds such traces"],
  [row({ cost: null, unpriced: true, runs: null }), "unpriced", "known. is:unpriced finds such runs"],
])("says which filter finds what has no price: %#", (of, text, title) => {
  render(cost.cell(of));
  expect(screen.getByText(text).title).toContain(title);
});

it("shows what is blank, and keeps it for filters", () => {
  render(name.cell(row({ name: " " })));
  expect(screen.getByText("unnamed").closest("[data-field]")).toHaveProperty("dataset.value", " ");
  render(tags.cell(row({ tags: ["beta", " "] })));
  expect(screen.getByText("“␣”").closest("[title]")).toHaveProperty("title", "beta, “␣”");
  render(user.cell(row({ user: "a\u202eb" })));
  expect(screen.getByText("a\\u202eb").tagName).toBe("BDI");
  expect(blank.label).toBe("“␣”");
});
