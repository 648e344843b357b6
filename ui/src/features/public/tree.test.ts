import { describe, expect, it } from "vitest";
import type { SharedRun } from "@/lib/api/sharing";
import { latencyOf, microsOf, treeRows } from "./tree";

const run = (id: string, parent: string | null, second = 0): SharedRun => ({
  id,
  trace_id: "t",
  parent_run_id: parent,
  name: id,
  run_type: "chain",
  status: "success",
  error: null,
  start_time: `2026-11-21T16:00:0${second}.000001+00:00`,
  end_time: null,
  dotted_order: "",
  tags: [],
  total_tokens: null,
  prompt_tokens: null,
  completion_tokens: null,
  total_cost: null,
});

describe("the runs behind a link", () => {
  it("stand below their parents, by time", () => {
    const runs = [run("b", "a", 2), run("a", "not shared"), run("c", "a", 1), run("d", "c", 3)];
    expect(treeRows(runs).map((row) => `${row.depth}${row.run.id}`)).toEqual(["0a", "1c", "2d", "1b"]);
  });

  it("say how long they took", () => {
    expect(latencyOf(run("a", null))).toBeNull();
    expect(latencyOf({ ...run("a", null), end_time: "2026-11-21T16:00:01.500001+00:00" })).toBe(1_500_000);
    expect(microsOf("1970-01-01T00:00:01.000002+00:00")).toBe(1_000_002);
    expect(microsOf("1970-01-01T00:00:01Z")).toBe(1_000_000);
  });
});
