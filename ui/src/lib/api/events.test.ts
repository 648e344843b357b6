import { expect, it } from "vitest";
import { takeEvents } from "./events";

const collect = (...pieces: string[]) => {
  const seen: string[][] = [];
  let rest = "";
  for (const piece of pieces) rest = takeEvents(rest + piece, (ids) => seen.push(ids));
  return { seen, rest };
};

it("reads events that arrive in pieces", () => {
  const { seen, rest } = collect("event: traces\nda", 'ta: {"trace_ids":["a","b"]}\n\nevent: tr', "aces\n");
  expect(seen).toEqual([["a", "b"]]);
  expect(rest).toBe("event: traces\n");
});

it("ignores pings, comments and empty lists", () => {
  const { seen } = collect(': hello\n\nevent: ping\ndata: {}\n\nevent: traces\r\ndata: {"trace_ids":[]}\r\n\r\n');
  expect(seen).toEqual([]);
});
