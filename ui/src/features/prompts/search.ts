//! The prompt pages' part of the URL.

import type { PromptKind } from "@/lib/api/prompts";
import { flagParam, textParam, wordParam } from "@/lib/url";

export interface PromptsSearch {
  q?: string;
  kind?: Exclude<PromptKind, "prompt">;
  archived?: true;
}

export const validatePromptsSearch = (search: Record<string, unknown>): PromptsSearch => ({
  q: textParam(search.q),
  kind: wordParam(search.kind, ["agent", "skill"] as const),
  archived: flagParam(search.archived),
});

export const VIEWS = ["diff", "effect", "json", "readme"] as const;

export interface PromptSearch {
  /** Hash, beginning of a hash, or tag; absent = the newest. */
  commit?: string;
  /** What it is compared with; absent = the version before. */
  against?: string;
  /** Absent = what the version says. */
  view?: (typeof VIEWS)[number];
  edit?: true;
}

export const validatePromptSearch = (search: Record<string, unknown>): PromptSearch => ({
  commit: textParam(search.commit),
  against: textParam(search.against),
  view: wordParam(search.view, VIEWS),
  edit: flagParam(search.edit),
});
