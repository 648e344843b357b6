import { describe, expect, it } from "vitest";
import { categoriesOf, categoryBins, highestShare, inWords, scoreBins } from "./distribution";
import type { Row } from "./model";

const rowsOf = (byExperiment: Record<string, number[]>): Row[] => {
  const most = Math.max(...Object.values(byExperiment).map((scores) => scores.length));
  return Array.from({ length: most }, (_, at) => ({
    cells: new Map(
      Object.entries(byExperiment)
        .filter(([, scores]) => at < scores.length)
        .map(([id, scores]) => [id, { attempts: [{ scores: { good: scores[at] } }, { scores: {} }] }]),
    ),
  })) as unknown as Row[];
};

const binsOf = (byExperiment: Record<string, number[]>, id = "a") =>
  (scoreBins(rowsOf(byExperiment), "good", Object.keys(byExperiment)).get(id) ?? []).map(
    ({ label, count }) => `${label}: ${count}`,
  );

describe("the bars of scores", () => {
  it("are those of the values where there are few", () => {
    expect(binsOf({ a: [1, 1, 1] })).toEqual(["0: 0", "1: 3"]);
    expect(binsOf({ a: [1, 5, 5, 3] })).toEqual(["1: 1", "2: 0", "3: 1", "4: 0", "5: 2"]);
    expect(binsOf({ a: [0.5, 0.25, 0.5] })).toEqual(["0.25: 1", "0.5: 2"]);
  });

  it("are ranges between round numbers where there are many, and lose no score", () => {
    const tenths = Array.from({ length: 101 }, (_, n) => n / 100);
    expect(binsOf({ a: tenths }).slice(0, 4)).toEqual([
      "0 to 0.1: 10",
      "0.1 to 0.2: 10",
      "0.2 to 0.3: 10",
      "0.3 to 0.4: 10",
    ]);
    expect(binsOf({ a: tenths }).at(-1)).toBe("0.9 to 1: 11");
    for (const [from, step] of [
      [12, 7],
      [-3, 0.013],
      [0, 1e6],
      [0.2, 1e-5],
      [-100, 1.1],
    ]) {
      const scores = Array.from({ length: 90 }, (_, n) => from + n * step);
      const bins = scoreBins(rowsOf({ a: scores }), "good", ["a"]).get("a") ?? [];
      expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(90);
      expect(bins.length, `${from} ${step}`).toBeLessThanOrEqual(12);
      expect(bins.length, `${from} ${step}`).toBeGreaterThanOrEqual(4);
    }
  });

  it("share the scale of all experiments", () => {
    expect(binsOf({ a: [1, 2], b: [4] })).toEqual(["1: 1", "2: 1", "3: 0", "4: 0"]);
    expect(binsOf({ a: [1, 2], b: [4] }, "b")).toEqual(["1: 0", "2: 0", "3: 0", "4: 1"]);
  });
});

describe("categories", () => {
  const counts: Record<string, number>[] = [{ curt: 5, kind: 1 }, { kind: 9 }];

  it("have one order in all experiments", () => {
    expect(categoriesOf(counts)).toEqual(["kind", "curt"]);
    expect(categoryBins(counts[1], categoriesOf(counts))).toEqual([
      { label: "kind", count: 9 },
      { label: "curt", count: 0 },
    ]);
  });

  it("are added up beyond a few", () => {
    const many = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`c${n}`, 10 - n]));
    const bins = categoryBins(many, categoriesOf([many]));
    expect(bins).toHaveLength(8);
    expect(bins.at(-1)).toEqual({ label: "3 others", count: 6 });
  });
});

it("says the chart in words, and what its highest bar stands for", () => {
  const bins = [
    { label: "0", count: 1 },
    { label: "0.5", count: 0 },
    { label: "1", count: 3 },
  ];
  expect(inWords(bins)).toBe("4 scores: 1 × 0, 3 × 1");
  expect(highestShare([bins, [{ label: "0", count: 0 }]])).toBe(0.75);
});
