import { expect, it } from "vitest";
import type { Preference } from "./api/experiments";
import { tallyPreferences } from "./preferences";

let made = 0;
const score = (group: string, session: string, value: number | boolean | null): Preference => ({
  id: String(made++),
  run_id: `run${made}`,
  session_id: session,
  key: "preferred",
  score: value,
  comment: null,
  feedback_group_id: group,
});

it("counts who has more in each group, and those where nobody has", () => {
  const { wins, ties, total } = tallyPreferences([
    score("1", "a", 1),
    score("1", "b", 0),
    score("2", "a", false),
    score("2", "b", true),
    score("3", "a", 0.7),
    score("3", "b", 0.2),
    score("4", "a", 0),
    score("4", "b", 0),
    score("5", "a", null),
    score("5", "b", null),
  ]);
  expect([wins.get("a"), wins.get("b"), ties, total]).toEqual([2, 1, 2, 5]);
});
