import { describe, expect, it } from "vitest";
import type { LogRow } from "@/lib/api/telemetry";
import { buildModel } from "../model/build";
import { skeletonOf } from "../model/fixture";
import { byRun, chosen, itemsOfEvents, itemsOfLogs, together } from "./items";

const t = buildModel(
  skeletonOf([
    { name: "agent", from: 0, to: 100 },
    { name: "search", parent: 0, from: 30, to: 90 },
    { name: "fetch", parent: 1, from: 31, to: 60, error: "Timeout: slow" },
    { name: "answer", parent: 0, from: 90, to: 99 },
  ]),
);

const log = (of: Partial<LogRow>): LogRow => ({
  id: `log-${of.time}`,
  time: 0,
  observed_time: null,
  trace_id: "t",
  run_id: null,
  severity: null,
  severity_text: null,
  level: null,
  event_name: null,
  body: null,
  attributes: {},
  resource: {},
  service: null,
  scope: null,
  ...of,
});

const items = [
  ...itemsOfLogs(t, [
    log({ time: 50, run_id: "run-2", level: "warn", body: "Slow answer" }),
    log({ time: 10, run_id: "run-0", level: "info", body: "started" }),
    log({ time: 95, run_id: "gone", body: "who am I" }),
  ]),
  ...itemsOfEvents(
    t,
    new Map([
      [
        "run-2",
        [
          { time: 60, name: "exception", attributes: { "exception.type": "Timeout", "exception.message": "slow" } },
          { time: 40, name: "retry", attributes: { attempt: 2 } },
        ],
      ],
    ]),
  ),
];

describe("a trace's records", () => {
  it("are one list by time, each with its span", () => {
    const all = chosen(t, items, { text: "" });
    expect(all.map((item) => [item.time, item.text, item.node])).toEqual([
      [10, "started", 0],
      [40, "attempt=2", 2],
      [50, "Slow answer", 2],
      [60, "Timeout: slow", 2],
      [95, "who am I", -1],
    ]);
    expect(new Set(all.map((item) => item.id)).size).toBe(all.length);
  });

  it("name the kind of an exception once", () => {
    const line = (type: string | undefined, message: string) => {
      const event = {
        time: 0,
        name: "exception",
        attributes: { "exception.type": type, "exception.message": message },
      };
      return itemsOfEvents(t, new Map([["x", [event]]]))[0].text;
    };
    expect(line("ToolError", "ToolError: timed out")).toBe("ToolError: timed out");
    expect(line("ToolError", "timed out")).toBe("ToolError: timed out");
    expect(line("Timeout", "Timeout")).toBe("Timeout");
    expect(line(undefined, "ToolError: timed out")).toBe("ToolError: timed out");
  });

  it("count exceptions as errors", () => {
    expect(chosen(t, items, { text: "", level: "error" }).map((item) => item.name)).toEqual(["exception"]);
    expect(chosen(t, items, { text: "", level: "warn" }).map((item) => item.time)).toEqual([50, 60]);
  });

  it("can be those of a span and below", () => {
    expect(chosen(t, items, { text: "", within: 1 }).map((item) => item.time)).toEqual([40, 50, 60]);
    expect(chosen(t, items, { text: "", within: 3 })).toEqual([]);
  });

  it("are found by text and event name, in any case", () => {
    expect(chosen(t, items, { text: " SLOW " }).map((item) => item.time)).toEqual([50, 60]);
    expect(chosen(t, items, { text: "Exception" }).map((item) => item.time)).toEqual([60]);
  });
});

it("shows a log record once, though its run has it as an event too", () => {
  const logs = itemsOfLogs(t, [
    log({ time: 50, run_id: "run-2", body: "slow" }),
    log({ time: 60, run_id: "run-2", event_name: "rates.failed" }),
  ]);
  const events = itemsOfEvents(
    t,
    new Map([
      [
        "run-2",
        [
          { time: 50, name: "log", attributes: { body: "slow" } },
          { time: 60, name: "rates.failed", attributes: {} },
          { time: 60, name: "retry", attributes: {} },
        ],
      ],
      ["run-1", [{ time: 50, name: "log", attributes: { body: "of another span" } }]],
    ]),
  );
  const shown = together(logs, events).map((item) => [item.source, item.time, item.name]);
  expect(shown).toEqual([
    ["log", 50, null],
    ["log", 60, "rates.failed"],
    ["event", 60, "retry"],
    ["event", 50, "log"],
  ]);
});

it("puts the events of each run together, in their order", () => {
  const event = (run_id: string, time: number) => ({ run_id, time, name: "e", attributes: {} });
  const found = byRun([event("a", 1), event("b", 1), event("a", 2)]);
  expect([...found].map(([run, events]) => [run, events.map((one) => one.time)])).toEqual([
    ["a", [1, 2]],
    ["b", [1]],
  ]);
});
