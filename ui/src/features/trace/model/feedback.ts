//! Which rows of a trace have feedback, and what it says in short.

import type { FeedbackMark, Skeleton } from "@/lib/api/types";
import { plural } from "@/lib/format";
import { formatScore } from "@/lib/score";
import type { TraceModel } from "./types";

const cache = new WeakMap<Skeleton, Map<number, FeedbackMark[]>>();

/** By row of the skeleton. */
export function marksOf(skeleton: Skeleton): Map<number, FeedbackMark[]> {
  let found = cache.get(skeleton);
  if (!found) {
    found = new Map();
    for (const mark of skeleton.feedback) found.set(mark.row, [...(found.get(mark.row) ?? []), mark]);
    cache.set(skeleton, found);
  }
  return found;
}

/** How much feedback a node has; folded groups have none of their own. */
export const countOf = (t: TraceModel, i: number): number =>
  (marksOf(t.skeleton).get(t.run[i]) ?? []).reduce((sum, mark) => sum + mark.count, 0);

/** `helpful 0.62, note: 2 given`, or nothing. */
export function feedbackText(t: TraceModel, i: number): string | null {
  const marks = marksOf(t.skeleton).get(t.run[i]);
  if (!marks) return null;
  return marks
    .map(({ key, count, average }) => {
      const name = t.skeleton.dict[key];
      return average === null ? `${name}: ${plural(count, "comment")}` : `${name} ${formatScore(average)}`;
    })
    .join(", ");
}
