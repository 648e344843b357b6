//! What changed between two versions, as pairs of texts.

import { printJson } from "@/lib/api/json";
import { alignMessages } from "./align";
import { type ModelSettings, type PromptContent, readManifest, textOf } from "./manifest";

export interface Change {
  /** Role of the message, path of the file, or what else it is. */
  title: string;
  before: string | null;
  after: string | null;
}

/** Everything that both versions say, in the order of the newer one; `null` is what one of them lacks. */
export function changesBetween(before: unknown, after: unknown): Change[] {
  const [old, now] = [readManifest(before), readManifest(after)];
  if (isPrompt(old) && isPrompt(now)) return promptChanges(old, now);
  if (old.kind === "files" && now.kind === "files") return fileChanges(old.files, now.files);
  return [{ title: "Manifest", before: printJson(before), after: printJson(after) }];
}

type Known = Extract<PromptContent, { kind: "chat" | "text" }>;
const isPrompt = (content: PromptContent): content is Known => content.kind === "chat" || content.kind === "text";

function promptChanges(old: Known, now: Known): Change[] {
  const said = (content: Known) => content.messages.map((message) => ({ role: message.role, text: textOf(message) }));
  const changes: Change[] = alignMessages(said(old), said(now)).map((pair) => ({
    title: titleOf(pair.after?.role ?? pair.before?.role ?? ""),
    before: pair.before?.text ?? null,
    after: pair.after?.text ?? null,
  }));
  const add = (title: string, before: string | null, after: string | null) => {
    if (before !== null || after !== null) changes.push({ title, before, after });
  };
  add("Model", settingsText(old.model), settingsText(now.model));
  add("Schema of the answer", old.schema ? printJson(old.schema) : null, now.schema ? printJson(now.schema) : null);
  return changes;
}

/** One that is no chat has one text. */
function titleOf(role: string): string {
  const name = role === "prompt" ? "text" : role;
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}

const settingsText = (model: ModelSettings | null): string | null =>
  model &&
  [["class", model.name] as [string, unknown], ...model.settings]
    .map(([key, value]) => `${key}: ${typeof value === "string" ? value : printJson(value, 0)}`)
    .join("\n");

function fileChanges(old: { path: string; content: string | null }[], now: typeof old): Change[] {
  const paths = [...new Set([...now, ...old].map((file) => file.path))].toSorted();
  const text = (files: typeof old, path: string) => {
    const file = files.find((one) => one.path === path);
    return file ? (file.content ?? "(a link)") : null;
  };
  return paths.map((path) => ({ title: path, before: text(old, path), after: text(now, path) }));
}

export const isChanged = (change: Change): boolean => change.before !== change.after;
