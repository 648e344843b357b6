import { describe, expect, it } from "vitest";
import type { ExampleRuns, ExperimentRun, FeedbackStats } from "@/lib/api/experiments";
import { arranged, change, directionsOf, scoreKeys, tally, toRow, turned, worst } from "./model";
import { certainty, chance, changeText, countsText, deltaText, scoreText } from "./verdict";

const stats = (avg: number | null): FeedbackStats => ({
  n: 1,
  avg,
  stdev: null,
  min: avg,
  max: avg,
  errors: 0,
  values: avg === null ? { chatty: 1 } : ({} as Record<string, number>),
  comments: [],
});

let made = 0;
const run = (
  session: string,
  scores: Record<string, number | null>,
  more: Partial<ExperimentRun> = {},
): ExperimentRun => ({
  id: `run${made++}`,
  trace_id: "t",
  name: "Target",
  session_id: session,
  start_time: "2026-11-21T10:00:00.000Z",
  end_time: "2026-11-21T10:00:01.000Z",
  status: "success",
  error: null,
  outputs: { answer: "x" },
  total_tokens: 10,
  total_cost: "0.001",
  feedback_stats: Object.fromEntries(Object.entries(scores).map(([key, avg]) => [key, stats(avg)])),
  ...more,
});
const row = (id: string, runs: ExperimentRun[]) =>
  toRow({ id, name: id, inputs: {}, outputs: null, metadata: null, runs } satisfies ExampleRuns);

const higher = directionsOf([], undefined);
const outcome = (a: ReturnType<typeof row>, keys = ["good", "long"], direction = higher) =>
  change(a.cells.get("a"), a.cells.get("b"), keys, direction).outcome;

describe("rows", () => {
  it("take the mean of repetitions", () => {
    const cell = row("1", [run("a", { good: 1 }), run("a", { good: 0, style: null }, { total_cost: null })]).cells.get(
      "a",
    );
    expect(cell).toMatchObject({ failed: 0, scores: { good: 0.5 }, cost: 1_000_000, latency: 1_000_000 });
    expect(cell?.attempts[1].labels).toEqual({ style: "chatty" });
  });

  it("show the worst of repetitions", () => {
    const failed = { status: "error", error: "429" };
    const runs = [run("a", { good: 1 }), run("a", { good: 0 }), run("a", { good: 0.5 })];
    const cell = (more: ExperimentRun[]) => row("1", [...runs, ...more]).cells.get("a")!;
    expect(worst(cell([]), ["good"], higher).runId).toBe(runs[1].id);
    expect(worst(cell([]), ["good"], () => -1).runId).toBe(runs[0].id);
    expect(worst(cell([run("a", { good: 1 }, failed)]), ["good"], higher).error).toBe("429");
  });

  it("name first the scores that nearly all have", () => {
    const rows = Array.from({ length: 10 }, (_, i) =>
      row(String(i), [run("a", { good: 1, ...(i > 0 ? { a: 1 } : {}), ...(i < 3 ? { "0rare": 1 } : {}) })]),
    );
    expect(scoreKeys(rows)).toEqual(["a", "good", "0rare"]);
  });
});

describe("change", () => {
  it("is better, worse, both, the same, or unknown", () => {
    expect(outcome(row("1", [run("a", { good: 0.5 }), run("b", { good: 0.6 })]))).toBe("better");
    expect(outcome(row("1", [run("a", { good: 0.6 }), run("b", { good: 0.5 })]))).toBe("worse");
    expect(outcome(row("1", [run("a", { good: 0.1 + 0.2 }), run("b", { good: 0.3 })]))).toBe("same");
    expect(outcome(row("1", [run("a", { good: 0, long: 1 }), run("b", { good: 1, long: 0 })]))).toBe("mixed");
    expect(outcome(row("1", [run("a", { good: 1 })]))).toBe("missing");
    expect(outcome(row("1", [run("a", { good: 0, long: 1 }), run("b", { good: 1, long: 0 })]), ["good"])).toBe(
      "better",
    );
  });

  it("knows that lower can be better", () => {
    const config = { feedback_key: "long", is_lower_score_better: true, feedback_config: null };
    const longer = row("1", [run("a", { long: 1 }), run("b", { long: 2 })]);
    expect(outcome(longer, ["long"], directionsOf([config], undefined))).toBe("worse");
    expect(outcome(longer, ["long"], directionsOf([config], "long:higher"))).toBe("better");
    expect(turned("a:lower,long:higher", "long", -1)).toBe("a:lower,long:lower");
  });

  it("takes a failure for worse than any score", () => {
    const failed = { status: "error", error: "429" };
    const rows = [
      row("1", [run("a", { good: 1 }), run("b", { good: 0 })]),
      row("2", [run("a", { good: 1 }), run("b", {}, failed)]),
      row("3", [run("a", {}, failed), run("b", { good: 0 })]),
      row("4", [run("a", { good: 1 }), run("b", { good: 1 })]),
    ];
    const changes = rows.map((one) => change(one.cells.get("a"), one.cells.get("b"), ["good"], higher));
    expect(changes.map((one) => one.outcome)).toEqual(["worse", "worse", "better", "same"]);
    expect(arranged(rows, changes, ["a", "b"], undefined, "regression")).toEqual([1, 0, 3, 2]);
    expect(arranged(rows, changes, ["a", "b"], "worse", undefined)).toEqual([0, 1]);
    expect(arranged(rows, changes, ["a", "b"], "errors", undefined)).toEqual([1, 2]);
    expect(arranged(rows, changes, ["a", "b"], "changed", "improvement")).toEqual([2, 0, 1]);
    const result = tally(rows, changes, "a", "b");
    expect(result.counts).toEqual({ better: 1, worse: 2, mixed: 0, same: 1, missing: 0, errors: 2 });
    expect(countsText(result)).toBe("1 better, 2 worse, 1 the same");
  });
});

describe("the verdict", () => {
  it("says what the change is in percent", () => {
    expect(changeText([100, 62])).toBe("−38%");
    expect(changeText([100, 102.5])).toBe("+2.5%");
    expect(changeText([100, 100])).toBe("±0%");
    expect(changeText([1, 25])).toBe("25×");
    expect(changeText([0, 5])).toBeNull();
    expect(changeText(null)).toBeNull();
  });

  it("knows what chance does", () => {
    expect(chance(5, 5)).toBe(1);
    expect(chance(14, 6)).toBeCloseTo(0.1153, 4);
    expect(chance(10, 0)).toBeCloseTo(2 / 1024, 10);
    expect(chance(900, 100)).toBeLessThan(1e-100);
    const of = (better: number, worse: number) =>
      certainty({ counts: { better, worse, mixed: 0, same: 0, missing: 0, errors: 0 }, cost: null, latency: null });
    expect(of(14, 6)).toContain("in 12% of cases");
    expect(of(0, 0)).toBeNull();
  });

  it("never writes a difference as none", () => {
    expect([0.975, 1, 12.44, 0].map(scoreText)).toEqual(["0.975", "1", "12.4", "0"]);
    expect([0.08, -0.2, 0.00001, 0].map(deltaText)).toEqual(["+0.08", "−0.2", "+<0.001", "±0"]);
  });
});
