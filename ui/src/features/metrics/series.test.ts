import { expect, it } from "vitest";
import { bucketTimes, bySize, colourOf, COLOURS, dashOf, summaryOf } from "./series";

it("sums up what is known", () => {
  expect(summaryOf([null, 4, 1, null, 7, null])).toEqual({ last: 7, min: 1, avg: 4, max: 7 });
  expect(summaryOf([null, null])).toEqual({ last: null, min: null, avg: null, max: null });
  expect(summaryOf([0])).toEqual({ last: 0, min: 0, avg: 0, max: 0 });
});

it("puts points in the middle of their buckets", () => {
  const data = { from: 100e6, bucket_us: 10e6, series: [{ group: null, values: [1, 2, 3] }] };
  expect(bucketTimes(data)).toEqual([105, 115, 125]);
  expect(bucketTimes({ ...data, series: [] })).toEqual([]);
});

it("orders groups by size, the rest last", () => {
  const sorted = bySize([
    { group: "(others)", values: [99] },
    { group: "small", values: [1, null] },
    { group: "empty", values: [null] },
    { group: "large", values: [5] },
  ]);
  expect(sorted.map((one) => one.group)).toEqual(["large", "small", "empty", "(others)"]);
});

it("never draws two of the first lines alike", () => {
  const looks = Array.from({ length: COLOURS.length * 4 }, (_, i) => `${colourOf(i)} ${dashOf(i)?.join()}`);
  expect(new Set(looks).size).toBe(looks.length);
});
