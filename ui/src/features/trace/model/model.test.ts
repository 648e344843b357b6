import { normaliseKey } from "@/lib/ids";
import { describe, expect, it } from "vitest";
import { axisTicks, clampWindow, parseWindow, printWindow } from "./axis";
import { breakdown, expensiveCalls, selfTime } from "./breakdown";
import { buildModel } from "./build";
import { criticalPath } from "./critical-path";
import { findNodes } from "./find";
import { carryFold, defaultFold, foldAll, keepMask, reveal, rowOf, visibleRows } from "./fold";
import { fanOut, skeletonOf } from "./fixture";
import { ancestorsOf, errorOf, keyOf, nameOf, shortModel } from "./types";

const names = (t: ReturnType<typeof buildModel>, nodes: Iterable<number>): string[] =>
  [...nodes].map((i) => nameOf(t, i));
const rowsOf = (t: ReturnType<typeof buildModel>, folded: Uint8Array, keep: Uint8Array | null = null): number[] => {
  const out = new Int32Array(t.n);
  return [...out.subarray(0, visibleRows(t, folded, keep, out))];
};

const agent = () =>
  buildModel(
    skeletonOf([
      { name: "agent", type: "agent", from: 0, to: 100 },
      { name: "plan", parent: 0, type: "llm", from: 0, to: 30, cost: 10, tokens: 100, model: "m" },
      { name: "search", parent: 0, type: "tool", from: 30, to: 90 },
      { name: "fetch", parent: 2, type: "tool", from: 31, to: 60, error: "Timeout: slow" },
      { name: "fetch", parent: 2, type: "tool", from: 60, to: 88 },
      { name: "log", parent: 0, from: 35, to: 50 },
      { name: "answer", parent: 0, type: "llm", from: 90, to: 99, cost: 30, tokens: 50, model: "m" },
    ]),
  );

describe("buildModel", () => {
  it("keeps subtrees as ranges, with depths, sums and axis positions", () => {
    const t = agent();
    expect(
      names(
        t,
        Array.from({ length: t.n }, (_, i) => i),
      ),
    ).toEqual(["agent", "plan", "search", "fetch", "fetch", "log", "answer"]);
    expect([...t.size.subarray(0, t.n)]).toEqual([7, 1, 3, 1, 1, 1, 1]);
    expect(t.errors[0]).toBe(1);
    expect(t.errors[2]).toBe(1);
    expect(t.totals).toEqual({ duration: 100, cost: 40, tokens: 150 });
    // The answer starts on the cost axis where the plan's money ends.
    expect(t.costAt[6]).toBe(10);
    expect(t.tokensAt[6]).toBe(100);
    expect(ancestorsOf(t, 4)).toEqual([0, 2]);
  });

  it("folds repeated leaf siblings into one node, and never errors", () => {
    const t = buildModel(skeletonOf(fanOut(8)));
    expect(t.members[1]).toBe(8);
    expect(t.size[1]).toBe(9);
    expect(t.cost[1]).toBe(40);
    expect(t.tokens[1]).toBe(16);
    expect(t.runsIn[0]).toBe(9);
    expect(keyOf(t, 1)).toBe("group:run-1");
    const few = buildModel(skeletonOf(fanOut(5)));
    expect(Math.max(...few.members)).toBe(0);
    const rows = fanOut(8);
    rows[4].error = "E";
    const broken = buildModel(skeletonOf(rows));
    expect(Math.max(...broken.members)).toBe(0);
  });

  it("lets running runs end now, and keeps several roots", () => {
    const t = buildModel(
      skeletonOf([
        { name: "a", from: 0, to: null },
        { name: "b", from: 50, to: 60 },
      ]),
      500,
    );
    expect(t.end[0]).toBe(500);
    expect(t.depth[1]).toBe(0);
    expect(t.totals.duration).toBe(500);
  });

  it("builds deep chains and large traces without recursion, quickly", () => {
    const deep = buildModel(
      skeletonOf(Array.from({ length: 20_000 }, (_, i) => ({ name: "s", parent: i - 1, from: i, to: 50_000 - i }))),
    );
    expect(deep.maxDepth).toBe(19_999);
    expect(criticalPath(deep).on[19_999]).toBe(1);
  });
});

describe("criticalPath", () => {
  it("follows the last finishing child and leaves parallel work out", () => {
    const t = agent();
    const path = criticalPath(t);
    expect([...path.on.subarray(0, t.n)]).toEqual([1, 1, 1, 1, 1, 0, 1]);
    let waited = 0;
    for (let k = 0; k < path.from.length; k++) waited += path.to[k] - path.from[k];
    // Segments cover the trace exactly once.
    expect(waited).toBe(100);
  });

  it("ignores children that outlive their parent", () => {
    const t = buildModel(
      skeletonOf([
        { name: "root", from: 0, to: 100 },
        { name: "fire-and-forget", parent: 0, from: 10, to: 400 },
        { name: "work", parent: 0, from: 20, to: 90 },
      ]),
    );
    expect([...criticalPath(t).on.subarray(0, 3)]).toEqual([1, 0, 1]);
  });
});

describe("folding", () => {
  it("opens small traces and folds groups", () => {
    const t = buildModel(skeletonOf(fanOut(8)));
    expect(rowsOf(t, defaultFold(t))).toEqual([0, 1]);
  });

  it("opens only paths to errors in large traces", () => {
    const rows = [{ name: "root", from: 0, to: 9000 }];
    for (let k = 0; k < 200; k++) {
      const parent = rows.length;
      rows.push({ name: `step ${k}`, from: k, to: k + 9, parent: 0 } as (typeof rows)[0]);
      rows.push({ name: "a", from: k, to: k + 1, parent } as (typeof rows)[0]);
      rows.push({ name: "b", from: k, to: k + 2, parent, error: k === 77 ? "E: no" : undefined } as (typeof rows)[0]);
    }
    const t = buildModel(skeletonOf(rows));
    const visible = rowsOf(t, defaultFold(t));
    expect(visible).toHaveLength(1 + 200 + 2);
    const error = Array.from({ length: t.n }, (_, i) => i).find((i) => t.status[i] === 2) as number;
    expect(visible).toContain(error);
  });

  it("reveals, folds all, filters and carries over a refetch", () => {
    const t = agent();
    const folded = new Uint8Array(t.n);
    foldAll(t, folded, "fold");
    expect(rowsOf(t, folded)).toEqual([0, 1, 2, 5, 6]);
    expect(reveal(t, folded, 4)).toBe(true);
    expect(reveal(t, folded, 4)).toBe(false);
    expect(rowsOf(t, folded)).toHaveLength(7);
    const errors = keepMask(t, (i) => t.status[i] === 2);
    expect(rowsOf(t, folded, errors)).toEqual([0, 2, 3]);
    foldAll(t, folded, "fold");
    expect([...carryFold(t, folded, agent())]).toEqual([...folded]);
    expect(rowOf(Int32Array.from([0, 2, 6]), 3, 2)).toBe(1);
    expect(rowOf(Int32Array.from([0, 2, 6]), 3, 3)).toBe(-1);
  });
});

describe("find and breakdown", () => {
  it("finds names, errors, models and what the server found", () => {
    const t = agent();
    expect([...findNodes(t, "FETCH")]).toEqual([3, 4]);
    expect([...findNodes(t, "timeout")]).toEqual([3]);
    expect([...findNodes(t, "nothing", ["run-6"])]).toEqual([6]);
    expect([...findNodes(t, "  ")]).toEqual([]);
  });

  it("splits cost by model, names tools and first bad runs", () => {
    const t = agent();
    const b = breakdown(t, 0);
    expect(b.models).toHaveLength(1);
    expect(b.models[0]).toMatchObject({ cost: 40, calls: 2 });
    expect(b.calls.map((i) => nameOf(t, i))).toEqual(["answer", "plan"]);
    expect(b.errors).toEqual([3]);
    expect(b.tools.map((tool) => [t.skeleton.dict[tool.name], tool.calls, tool.errors])).toEqual([
      ["search", 1, 0],
      ["fetch", 2, 1],
    ]);
    expect(selfTime(t, 0)).toBe(1);
    expect(expensiveCalls(t)).toEqual([6, 1]);
  });
});

describe("axis", () => {
  it("clamps windows and writes them to the URL", () => {
    expect(clampWindow([-10, 20], 100)).toEqual([0, 30]);
    expect(clampWindow([90, 120], 100)).toEqual([70, 100]);
    expect(printWindow([0, 100], 100)).toBeUndefined();
    expect(printWindow([10.2, 20.7], 100)).toBe("10-21");
    expect(parseWindow("10-21", 100)).toEqual([10, 21]);
    expect(parseWindow("oops", 100)).toEqual([0, 100]);
    expect(parseWindow("30-20", 100)).toEqual([0, 100]);
  });

  it("labels ticks in round steps", () => {
    expect(axisTicks([0, 1_185_000_000], "time", 480).map((tick) => tick.label)).toEqual([
      "0",
      "5m 00s",
      "10m 00s",
      "15m 00s",
    ]);
    expect(axisTicks([0, 48.56e9], "cost", 480).map((tick) => tick.label)).toEqual(["$0", "$20", "$40"]);
    expect(axisTicks([0, 100_000_000], "time", 480).map((tick) => tick.label)).toEqual([
      "0",
      "30 s",
      "1m 00s",
      "1m 30s",
    ]);
    expect(axisTicks([0, 0.05e9], "cost", 480).map((tick) => tick.label)).toEqual(["$0", "$0.02", "$0.04"]);
    expect(axisTicks([0, 3000], "tokens", 480).map((tick) => tick.label)).toEqual(["0", "1.0k", "2.0k", "3.0k"]);
  });
});

it("reads span ids and run ids in every form", () => {
  expect(normaliseKey("4BF92F3577B34DA6")).toBe("00000000-0000-0000-4bf9-2f3577b34da6");
  expect(normaliseKey("4bf92f3577b34da6a3ce929d0e0e4736")).toBe("4bf92f35-77b3-4da6-a3ce-929d0e0e4736");
  expect(normaliseKey("group:run-1")).toBe("group:run-1");
});

it("shortens models by their release date only", () => {
  expect(shortModel("gpt-5-mini-2025-08-07")).toBe("gpt-5-mini");
  expect(shortModel("claude-sonnet-4-5-20250929")).toBe("claude-sonnet-4-5");
  expect(shortModel("text-embedding-3-large")).toBe("text-embedding-3-large");
});

it("names what has a blank name, and writes out what would turn a name or an error", () => {
  const rows = [
    { name: " ", from: 0, to: 9 },
    { name: "a\u202eb", parent: 0, from: 1, to: 2, error: "c\u2066d" },
  ];
  const t = buildModel(skeletonOf(rows));
  expect([nameOf(t, 0), nameOf(t, 1), errorOf(t, 1)]).toEqual(["unnamed", "a\\u202eb", "c\\u2066d"]);
});
