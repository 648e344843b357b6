import { describe, expect, it } from "vitest";
import { DOUBLE, TRANSPORT } from "./asides";
import { selfTime } from "./breakdown";
import { buildModel } from "./build";
import { criticalPath } from "./critical-path";
import { type Row, skeletonOf } from "./fixture";
import { carryFold, defaultFold, foldAll, isOpen, reveal, toggleAsides, toggleFold, visibleRows } from "./fold";
import { nameOf, type TraceModel } from "./types";

/** An agent whose call two instrumentations report; below the call that counts is what went over the wire. */
const AGENT: Row[] = [
  { name: "agent", from: 0, to: 100, type: "agent" },
  { name: "chat", parent: 0, from: 10, to: 60, type: "llm", cost: 5, tokens: 9 },
  { name: "POST", parent: 1, from: 12, to: 58, transport: true },
  { name: "connect", parent: 2, from: 13, to: 20, transport: true },
  { name: "chat again", parent: 0, from: 11, to: 59, type: "llm", doubleOf: 1, error: "boom" },
  { name: "GET weather", parent: 0, from: 70, to: 80, transport: true },
];
const model = (rows: Row[] = AGENT): TraceModel => buildModel(skeletonOf(rows));
const names = (t: TraceModel, folded: Uint8Array, transport = false): string[] => {
  const out = new Int32Array(t.n);
  return [...out.subarray(0, visibleRows(t, folded, null, out, transport))].map((i) => nameOf(t, i));
};
const at = (t: TraceModel, name: string): number => [...t.name].findIndex((_, i) => nameOf(t, i) === name);

describe("what is aside", () => {
  it("puts doubles under the run that counts, and finds transport below calls only", () => {
    const t = model();
    expect([...t.aside].map((kind, i) => [nameOf(t, i), kind]).filter(([, kind]) => kind !== 0)).toEqual([
      ["POST", TRANSPORT],
      ["chat again", DOUBLE],
    ]);
    expect(t.parent[at(t, "chat again")]).toBe(at(t, "chat"));
    const chat = at(t, "chat");
    expect([t.kids[chat], t.doubles[chat], t.transports[chat]]).toEqual([0, 1, 2]);
    expect(t.kids[0]).toBe(2);
  });

  it("does not count the errors of doubles, nor give them time of their own", () => {
    const t = model();
    expect(t.errors[0]).toBe(0);
    expect(selfTime(t, at(t, "chat"))).toBe(50);
    const path = criticalPath(t);
    expect([path.on[at(t, "chat")], path.on[at(t, "chat again")]]).toEqual([1, 0]);
  });

  it("leaves transport alone in which something happened", () => {
    const t = model([
      { name: "chat", from: 0, to: 100, type: "llm" },
      { name: "POST gateway", parent: 0, from: 1, to: 99, transport: true },
      { name: "chat behind it", parent: 1, from: 2, to: 98, type: "llm" },
      { name: "POST", parent: 2, from: 3, to: 97, transport: true },
    ]);
    expect(names(t, defaultFold(t))).toEqual(["chat", "POST gateway", "chat behind it"]);
  });

  it("keeps the tree a tree, whatever the columns say", () => {
    const t = model([
      { name: "outer", from: 0, to: 100, type: "llm", doubleOf: 1 },
      { name: "inner", parent: 0, from: 1, to: 99, type: "llm" },
      { name: "a", from: 0, to: 9, type: "llm", doubleOf: 3 },
      { name: "b", from: 0, to: 9, type: "llm", doubleOf: 2 },
      { name: "c", from: 0, to: 9, type: "llm", doubleOf: 99 },
    ]);
    expect(t.n).toBe(5);
    expect(names(t, defaultFold(t))).toEqual(["outer", "inner", "a", "b", "c"]);
  });

  it("reads skeletons without the columns", () => {
    const skeleton = skeletonOf(AGENT);
    const { double_of: _, transport: __, ...runs } = skeleton.runs as typeof skeleton.runs & Record<string, unknown>;
    const t = buildModel({ ...skeleton, runs: runs as typeof skeleton.runs });
    expect(t.aside.every((kind) => kind === 0)).toBe(true);
  });
});

describe("folding of what is aside", () => {
  it("is folded by default and opens by itself, by the switch and on the way to a selection", () => {
    const t = model();
    const chat = at(t, "chat");
    const folded = defaultFold(t);
    expect(names(t, folded)).toEqual(["agent", "chat", "GET weather"]);
    expect(isOpen(t, folded, chat, false)).toBe(false);
    expect(names(t, folded, true)).toEqual(["agent", "chat", "POST", "connect", "GET weather"]);
    expect(isOpen(t, folded, chat, true)).toBe(true);

    toggleFold(t, folded, chat, false);
    expect(names(t, folded)).toEqual(["agent", "chat", "POST", "connect", "chat again", "GET weather"]);
    toggleFold(t, folded, chat, false);
    expect(names(t, folded)).toEqual(["agent", "chat", "GET weather"]);

    expect(reveal(t, folded, at(t, "connect"))).toBe(true);
    expect(names(t, folded)).toContain("connect");
    expect(reveal(t, folded, at(t, "connect"))).toBe(false);
  });

  it("stays folded when the span itself opens", () => {
    const t = model([
      { name: "call", from: 0, to: 100, type: "llm" },
      { name: "step", parent: 0, from: 1, to: 50 },
      { name: "POST", parent: 0, from: 51, to: 99, transport: true },
    ]);
    const folded = defaultFold(t);
    expect(names(t, folded)).toEqual(["call", "step"]);
    toggleFold(t, folded, 0, false);
    expect(names(t, folded)).toEqual(["call"]);
    toggleFold(t, folded, 0, false);
    expect(names(t, folded)).toEqual(["call", "step"]);
    expect(toggleAsides(t, folded, 0)).toBe(true);
    expect(names(t, folded)).toEqual(["call", "step", "POST"]);
    expect(toggleAsides(t, folded, at(t, "step"))).toBe(false);
    foldAll(t, folded, "unfold");
    expect(names(t, folded)).toEqual(["call", "step"]);
    foldAll(t, folded, "groups");
    expect(names(t, folded)).toEqual(["call", "step", "POST"]);
  });

  it("does not open when it arrives late", () => {
    const early = model(AGENT.slice(0, 2));
    const late = model();
    expect(names(late, carryFold(early, defaultFold(early), late))).toEqual(["agent", "chat", "GET weather"]);
  });
});
