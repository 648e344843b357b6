//! What people type about a feedback key, and what the server takes.

import type { FeedbackConfig, FeedbackConfigBody } from "@/lib/api/feedback";

export type KeyType = FeedbackConfig["feedback_config"]["type"];

export interface KeyDraft {
  key: string;
  type: KeyType;
  min: string;
  max: string;
  /** One category a line, `value label`. */
  categories: string;
  lowerIsBetter: boolean;
}

export function draftOf(config?: FeedbackConfig): KeyDraft {
  const { type, min, max, categories } = config?.feedback_config ?? { type: "continuous" as const, min: 0, max: 1 };
  return {
    key: config?.feedback_key ?? "",
    type,
    min: textOf(min),
    max: textOf(max),
    categories: (categories ?? [])
      .map(({ value, label }) => [value, label].filter((x) => x !== null).join(" "))
      .join("\n"),
    lowerIsBetter: config?.is_lower_score_better === true,
  };
}

const textOf = (bound: number | null | undefined): string =>
  bound === null || bound === undefined ? "" : String(bound);

/** The body, or what is wrong with the draft. */
export function parseDraft(draft: KeyDraft): FeedbackConfigBody | string {
  const key = draft.key.trim();
  if (key === "") return "Give the key a name.";
  const common = { feedback_key: key, is_lower_score_better: draft.type !== "freeform" && draft.lowerIsBetter };
  if (draft.type === "freeform") return { ...common, feedback_config: { type: "freeform" } };
  if (draft.type === "continuous") return withBounds(common, draft);
  const categories = readCategories(draft.categories);
  if (typeof categories === "string") return categories;
  return { ...common, feedback_config: { type: "categorical", categories } };
}

type Common = Omit<FeedbackConfigBody, "feedback_config">;

function withBounds(common: Common, draft: KeyDraft): FeedbackConfigBody | string {
  const [min, max] = [boundOf(draft.min), boundOf(draft.max)];
  if (min === undefined || max === undefined) return "Least and most are numbers, or empty.";
  if (min !== null && max !== null && min >= max) return "The least must be below the most.";
  return { ...common, feedback_config: { type: "continuous", min, max } };
}

function boundOf(text: string): number | null | undefined {
  if (text.trim() === "") return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

function readCategories(text: string): { value: number; label: string }[] | string {
  const lines = text.split("\n").map((line) => line.trim());
  const categories = lines.filter(Boolean).map((line) => {
    const [value, ...label] = line.split(/\s+/);
    return { value: Number(value), label: label.join(" ") };
  });
  if (categories.length < 2) return "Write at least two categories, one a line: a number and a name.";
  const wrong = categories.find(({ value, label }) => !Number.isFinite(value) || label === "");
  if (wrong) return "Each line is a number and a name, such as: 1 helpful.";
  if (new Set(categories.map(({ value }) => value)).size < categories.length) return "Two categories have one number.";
  return categories;
}

/** `0 to 1`, `rude, neutral, friendly`, `text`. */
export function meaningOf({ feedback_config: { type, min, max, categories } }: FeedbackConfig): string {
  if (type === "freeform") return "text";
  if (type === "categorical") return (categories ?? []).map(({ value, label }) => label ?? String(value)).join(", ");
  const [least, most] = [textOf(min), textOf(max)];
  if (least === "" && most === "") return "any number";
  if (least === "") return `up to ${most}`;
  return most === "" ? `${least} and more` : `${least} to ${most}`;
}
