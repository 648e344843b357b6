//! The rubric while it is written: labels are lines of text, `label: what it means`.

import type { RubricItem } from "@/lib/api/annotation";

export interface Draft {
  /** Only for the list. */
  id: number;
  key: string;
  description: string;
  labels: string;
  required: boolean;
  /** What the form does not show stays as it was. */
  scores: Record<string, string> | null;
}

let made = 0;

export const blank = (): Draft => ({ id: made++, key: "", description: "", labels: "", required: false, scores: null });

export const draftsOf = (items: RubricItem[] | null): Draft[] =>
  (items ?? []).map((item) => ({
    ...blank(),
    key: item.feedback_key,
    description: item.description ?? "",
    labels: Object.entries(item.value_descriptions ?? {})
      .map(([label, meaning]) => (meaning ? `${label}: ${meaning}` : label))
      .join("\n"),
    required: item.is_required === true,
    scores: item.score_descriptions ?? null,
  }));

export function labelsIn(text: string): Record<string, string> | null {
  const labels: Record<string, string> = {};
  for (const line of text.split("\n")) {
    const [label, ...meaning] = line.split(":");
    if (label.trim()) labels[label.trim()] = meaning.join(":").trim();
  }
  return Object.keys(labels).length > 0 ? labels : null;
}

export const rubricOf = (drafts: Draft[]): RubricItem[] =>
  drafts.map(({ key, description, labels, required, scores }) => ({
    feedback_key: key.trim(),
    description: description.trim() || null,
    value_descriptions: labelsIn(labels),
    score_descriptions: scores,
    is_required: required,
  }));

/** What keeps a rubric from being saved, or nothing. */
export function problemOf(drafts: Draft[]): string | null {
  const keys = drafts.map((draft) => draft.key.trim());
  if (keys.includes("")) return "A line of the rubric has no feedback key.";
  const twice = keys.find((key, index) => keys.indexOf(key) !== index);
  return twice === undefined ? null : `The feedback key ${twice} is in the rubric twice.`;
}
