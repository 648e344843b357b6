import { expect, it } from "vitest";
import { Flight } from "./flight";

/** Scrolls by so much every 16 ms, and says how long it takes to come to rest after the last step. */
function scroll(px: number, steps = 5): number {
  const flight = new Flight();
  for (let step = 0; step < steps; step++) flight.at(step * px, 1000 + step * 16);
  return flight.rest(1000 + (steps - 1) * 16);
}

it("flies when it is scrolled faster than one reads, in both directions", () => {
  expect(scroll(20)).toBe(0);
  expect(scroll(100)).toBe(90);
  expect(scroll(-100)).toBe(90);
});

it("does not fly when it jumps", () => {
  expect(scroll(0, 1)).toBe(0);
  const flight = new Flight();
  flight.at(0, 0);
  flight.at(50_000, 2_000);
  expect(flight.rest(2_000)).toBe(0);
});

it("comes to rest after a moment", () => {
  const flight = new Flight();
  flight.at(0, 0);
  flight.at(400, 16);
  expect(flight.rest(50)).toBe(56);
  expect(flight.rest(106)).toBe(0);
});
