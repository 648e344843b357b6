import { describe, expect, it } from "vitest";
import { draftOf, isTighter, lossText, parseDraft } from "./limits";

const NONE = { payload_days: null, run_days: null, max_bytes: null };

describe("limits of a project", () => {
  it("reads what it writes", () => {
    for (const limits of [NONE, { payload_days: 7, run_days: 400_000, max_bytes: 2_500_000_000 }])
      expect(parseDraft(draftOf(limits))).toEqual({ limits, wrong: new Set() });
  });

  it("tells what cannot be read", () => {
    for (const days of ["0", "-1", "1.5", "x", "1e3", "1234567"])
      expect(parseDraft({ payloadDays: days, runDays: "", maxGigabytes: "" }).wrong, days).toEqual(
        new Set(["payloadDays"]),
      );
    for (const size of ["0", "0.0000000001", "-1", "1 GB", "."])
      expect(parseDraft({ payloadDays: "", runDays: " 3 ", maxGigabytes: size }).wrong, size).toEqual(
        new Set(["maxGigabytes"]),
      );
  });

  it("knows when data goes that is there now", () => {
    expect(isTighter({ ...NONE, run_days: 7 }, NONE)).toBe(true);
    expect(isTighter({ ...NONE, run_days: 7 }, { ...NONE, run_days: 30 })).toBe(true);
    expect(isTighter({ ...NONE, run_days: 30 }, { ...NONE, run_days: 7 })).toBe(false);
    expect(isTighter(NONE, { ...NONE, max_bytes: 5 })).toBe(false);
  });

  it("says what goes, and how soon", () => {
    const runs = lossText("shop", { ...NONE, run_days: 7 }, NONE);
    expect(runs).toContain("shop loses what is beyond the new limits: whole runs within some minutes; and");
    expect(runs).toContain("The age counts from when the server received a run");
    const both = lossText("shop", { ...NONE, payload_days: 1, max_bytes: 5 }, { ...NONE, payload_days: 2 });
    expect(both).toContain(": whole runs within some minutes, payloads within a day; and");
    // A limit that stays takes nothing.
    const payloads = lossText("shop", { ...NONE, payload_days: 1, run_days: 7 }, { ...NONE, run_days: 7 });
    expect(payloads).toContain(": payloads within a day; and");
    expect(lossText("shop", { ...NONE, max_bytes: 5 }, NONE)).not.toContain("age");
  });
});
