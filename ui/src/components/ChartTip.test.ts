import { expect, test } from "vitest";
import { leftOf } from "./ChartTip";

test("the tip of a chart stands beside the pointer and within the chart", () => {
  expect(leftOf(100, 200, 600)).toBe(110);
  expect(leftOf(390, 200, 600)).toBe(400);
  expect(leftOf(391, 200, 600)).toBe(181);
  // Neither side has room: it covers the pointer rather than leave the chart.
  expect(leftOf(150, 250, 320)).toBe(70);
  expect(leftOf(150, 400, 320)).toBe(0);
});
