// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { columnsOf } from "./columns";
import type { ListRow } from "./rows";

afterEach(cleanup);

const [cost] = columnsOf(["cost"], "traces");
const row = (patch: Partial<ListRow>): ListRow => ({ runs: 3, status: "success", ...patch }) as ListRow;

it.each([
  [row({ cost: "0.02", unpriced: true }), "≥ $0.020", "any(is:unpriced) finds such traces"],
  [row({ cost: null, unpriced: true }), "unpriced", "any(is:unpriced) finds such traces"],
  [row({ cost: null, unpriced: true, runs: null }), "unpriced", "known. is:unpriced finds such runs"],
])("says which filter finds what has no price: %#", (of, text, title) => {
  render(cost.cell(of));
  expect(screen.getByText(text).title).toContain(title);
});
