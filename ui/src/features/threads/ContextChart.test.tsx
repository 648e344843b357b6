// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import type { TraceRow } from "@/lib/api/types";
import { ContextChart } from "./ContextChart";

afterEach(cleanup);

it("says that it shows what all calls of a turn read together", () => {
  const turns = Array.from({ length: 7 }, (_, i) => ({ trace_id: `t${i}`, input_tokens: 1_000 * (i + 1) }) as TraceRow);
  render(<ContextChart turns={turns} selected={0} onSelect={() => {}} />);
  const caption = screen.getByText("Input tokens per turn");
  expect(caption.title).toContain("of all calls of a turn, added up");
  expect(caption.textContent).toContain("at most 7.0k in a turn");
});
