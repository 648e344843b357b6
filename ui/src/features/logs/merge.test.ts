import { describe, expect, it } from "vitest";
import type { LogPage, LogRow } from "@/lib/api/telemetry";
import { mergeNewest, unknownOf } from "./merge";

const log = (time: number): LogRow => ({ id: `id${time}`, time }) as LogRow;
const page = (times: number[], next: string | null = "more"): LogPage => ({
  logs: times.map(log),
  next_cursor: next,
});
const times = (pages: LogPage[]) => pages.map((one) => one.logs.map((row) => row.time));

describe("mergeNewest", () => {
  it("puts new records above and leaves the rest alone", () => {
    const pages = [page([5, 4, 3]), page([2, 1], null)];
    expect(times(mergeNewest(pages, page([7, 6, 5])))).toEqual([
      [7, 6, 5, 4, 3],
      [2, 1],
    ]);
    expect(mergeNewest(pages, page([7, 6, 5]))[1]).toBe(pages[1]);
  });

  it("puts a record that came late where it belongs", () => {
    expect(times(mergeNewest([page([9, 5])], page([9, 7, 5])))).toEqual([[9, 7, 5]]);
  });

  it("starts anew when nothing joins the two", () => {
    expect(times(mergeNewest([page([3, 2]), page([1])], page([9, 8])))).toEqual([[9, 8]]);
  });

  it("keeps what a short fresh answer does not name: it was asked for another stretch of time", () => {
    expect(times(mergeNewest([page([3, 2])], page([9], null)))).toEqual([[9, 3, 2]]);
  });

  it("takes the first records of an empty list", () => {
    expect(times(mergeNewest([page([], null)], page([2, 1])))).toEqual([[2, 1]]);
  });
});

it("counts only what is not there yet", () => {
  expect(unknownOf([page([3, 2]), page([1])], page([4, 3, 1])).map((row) => row.time)).toEqual([4]);
});
