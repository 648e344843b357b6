//! Which message of one version became which of the other.

import { similarity } from "@/lib/word-diff";

export interface Sayable {
  role: string;
  text: string;
}

export interface Pair<T> {
  before: T | null;
  after: T | null;
}

/** Messages as alike as this, or with the same place among those of their role, are one that was changed. */
const ALIKE = 0.35;

/** Keeps the order of both sides. Of a changed message both sides stand in one pair; one that came or went stands alone. */
export function alignMessages<T extends Sayable>(before: T[], after: T[]): Pair<T>[] {
  const [n, m] = [before.length, after.length];
  const alike = before.map((a) => after.map((b) => (a.role === b.role ? scoreOf(a.text, b.text) : 0)));
  // The best sum of likenesses from (i, j) on.
  const best = Array.from({ length: n + 1 }, () => new Float64Array(m + 1));
  for (let i = n - 1; i >= 0; i--)
    for (let j = m - 1; j >= 0; j--)
      best[i][j] = Math.max(best[i + 1][j], best[i][j + 1], alike[i][j] > 0 ? best[i + 1][j + 1] + alike[i][j] : 0);
  const pairs: Pair<T>[] = [];
  let [i, j] = [0, 0];
  while (i < n && j < m) {
    if (alike[i][j] > 0 && best[i][j] === best[i + 1][j + 1] + alike[i][j])
      pairs.push({ before: before[i++], after: after[j++] });
    else if (best[i][j] === best[i + 1][j]) pairs.push({ before: before[i++], after: null });
    else pairs.push({ before: null, after: after[j++] });
  }
  while (i < n) pairs.push({ before: before[i++], after: null });
  while (j < m) pairs.push({ before: null, after: after[j++] });
  return pairs;
}

/** Unlike texts of one role are still rather one rewritten message than two. */
const scoreOf = (before: string, after: string): number => {
  const score = similarity(before, after);
  return score >= ALIKE ? 1 + score : 0.1 + score;
};
