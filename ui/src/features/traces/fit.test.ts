import { describe, expect, it, vi } from "vitest";

// The cells of columns ask for the screen's size when they are loaded.
vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: () => {}, removeEventListener: () => {} }));
const { columnsOf, standardIds } = await import("./columns");
const { fitting, minWidthOf, widthsOf } = await import("./fit");

const standard = columnsOf(standardIds("traces", true), "traces");
const ids = (room: number, { dated = false, sort = "-start", columns = standard } = {}) =>
  fitting(columns, room, dated, sort).map((column) => column.id);

describe("columns", () => {
  it("are all there where there is room", () => {
    expect(ids(1600)).toEqual(standard.map((column) => column.id));
  });

  it("give way from the right, and fit then", () => {
    expect(ids(932, { dated: true, columns: columnsOf(standardIds("traces", false), "traces") })).toEqual([
      "time",
      "status",
      "name",
      "io",
      "latency",
      "cost",
      "tokens",
      "runs",
    ]);
    for (let room = 525; room < 1600; room += 25)
      for (const dated of [false, true])
        expect(minWidthOf(widthsOf(fitting(standard, room, dated, "-start"), dated)), `${room}`).toBeLessThanOrEqual(
          room,
        );
  });

  it("stay when a row would say nothing without them, or is sorted by them", () => {
    expect(ids(0)).toEqual(["time", "status", "name", "io"]);
    expect(ids(0, { sort: "-tokens" })).toEqual(["time", "status", "name", "io", "tokens"]);
    expect(ids(0, { sort: "cost" })).toEqual(["time", "status", "name", "io", "cost"]);
  });
});
