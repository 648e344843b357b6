import { expect, it } from "vitest";
import type { Metric } from "@/lib/api/telemetry";
import { groupsOf, matching, searchFor } from "./pick";

const metric = (name: string, of: Partial<Metric> = {}): Metric => ({
  name,
  description: null,
  unit: null,
  kind: "sum",
  temporality: "delta",
  monotonic: true,
  points: 1,
  last_time: 0,
  attribute_keys: [],
  services: ["api"],
  ...of,
});

it("finds all words, in names and descriptions, in any case", () => {
  const metrics = [metric("gen_ai.client.token.usage"), metric("queue.depth", { description: "Jobs that wait" })];
  expect(matching(metrics, undefined)).toHaveLength(2);
  expect(matching(metrics, " TOKEN client ").map((one) => one.name)).toEqual(["gen_ai.client.token.usage"]);
  expect(matching(metrics, "jobs").map((one) => one.name)).toEqual(["queue.depth"]);
  expect(matching(metrics, "jobs token")).toEqual([]);
});

it("keeps of the address what fits the next metric", () => {
  const a = metric("a", { kind: "histogram", attribute_keys: ["model", "x"] });
  const b = metric("b", { kind: "exponential_histogram", attribute_keys: ["model"] });
  const c = metric("c", { kind: "gauge" });
  expect(searchFor({ name: "a", t: "7d", by: "model", agg: "p95" }, a, b)).toEqual({
    name: "b",
    t: "7d",
    by: "model",
    agg: "p95",
  });
  expect(searchFor({ t: "7d", by: "x", agg: "p95" }, a, b).by).toBeUndefined();
  expect(searchFor({ by: "service", agg: "p95" }, a, c)).toEqual({ name: "c", by: "service", agg: undefined });
});

it("offers the service once, and only where one is known", () => {
  expect(groupsOf(metric("a", { attribute_keys: ["service", "x"] }))).toEqual(["service", "x"]);
  expect(groupsOf(metric("a", { services: [], attribute_keys: ["x"] }))).toEqual(["x"]);
});
