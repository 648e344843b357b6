//! Who won: one group of feedback is one example whose answers were set against each other.

import type { Preference } from "./api/experiments";

export interface PreferenceTally {
  /** By experiment. */
  wins: Map<string, number>;
  ties: number;
  total: number;
}

export function tallyPreferences(preferences: Preference[]): PreferenceTally {
  const groups = new Map<string, Preference[]>();
  for (const preference of preferences) {
    const group = preference.feedback_group_id ?? preference.id;
    const list = groups.get(`${group} ${preference.key}`);
    if (list) list.push(preference);
    else groups.set(`${group} ${preference.key}`, [preference]);
  }
  const wins = new Map<string, number>();
  let ties = 0;
  for (const group of groups.values()) {
    const most = Math.max(...group.map((one) => Number(one.score ?? 0)));
    const best = group.filter((one) => Number(one.score ?? 0) === most);
    const winner = best.length === 1 ? best[0].session_id : null;
    if (winner === null) ties++;
    else wins.set(winner, (wins.get(winner) ?? 0) + 1);
  }
  return { wins, ties, total: groups.size };
}
