import { afterEach, expect, it, vi } from "vitest";
import { ApiError } from "@/lib/api/client";
import { reportCaught } from "./report";

afterEach(() => vi.restoreAllMocks());

it("tells of every error but of a key that is wanted", () => {
  const told = vi.spyOn(console, "error").mockImplementation(() => {});
  const refusal = (status: number) => new ApiError(status, "error", "no", null, null);
  reportCaught(refusal(401), {});
  expect(told).not.toHaveBeenCalled();
  for (const error of [refusal(403), refusal(500), new Error("a bug")]) {
    reportCaught(error, { componentStack: "\n    at Page" });
    expect(told).toHaveBeenLastCalledWith(error, "\n    at Page");
  }
});
