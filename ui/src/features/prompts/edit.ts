//! From a commit to a draft that can be typed into, and back to a manifest that differs only in what was changed.

import { isObject, type Json } from "@/lib/api/json";
import { classOf, kwargsOf, promptNode, readManifest, type PromptMessage, variablesIn } from "./manifest";
import { type TemplateFormat, variablesOf } from "./template";

export interface DraftMessage {
  /** Stays while it is moved and typed into. */
  key: number;
  role: string;
  /** Nothing for what cannot be edited as one text: pictures, several parts. */
  text: string | null;
  format: TemplateFormat;
  /** Of a placeholder for messages. */
  variable?: string;
  optional?: boolean;
  /** What it was; nothing for a new one. */
  source: PromptMessage | null;
}

/** Roles that a new message can have, and their classes. */
const CLASSES: Record<string, string> = {
  system: "SystemMessagePromptTemplate",
  user: "HumanMessagePromptTemplate",
  assistant: "AIMessagePromptTemplate",
};
export const ROLES = Object.keys(CLASSES);

/** The first version of a prompt that has none. */
export const emptyManifest = (): Json =>
  constructor("ChatPromptTemplate", {
    input_variables: ["question"],
    messages: [
      constructor("SystemMessagePromptTemplate", { prompt: template("", "f-string") }),
      constructor("HumanMessagePromptTemplate", { prompt: template("{question}", "f-string") }),
    ],
  });

/** Nothing where the manifest is no prompt with messages or a text. */
export function draftOf(manifest: unknown): DraftMessage[] | null {
  const content = readManifest(manifest);
  if (content.kind !== "chat" && content.kind !== "text") return null;
  return content.messages.map((message, key) => {
    const [part, ...others] = message.parts;
    const text = part?.kind === "text" && others.length === 0 ? part : null;
    return {
      key,
      role: message.role,
      text: text?.text ?? null,
      format: text?.format ?? "f-string",
      variable: message.placeholder?.variable,
      optional: message.placeholder?.optional,
      source: message,
    };
  });
}

/** The language of most of the prompt: what is new speaks it, too. */
export const mainFormat = (draft: DraftMessage[]): TemplateFormat =>
  draft.find((message) => message.text !== null && message.format !== "none" && message.source)?.format ?? "f-string";

/** The manifest with the draft in it. What was not touched stays as it was, key by key. */
export function applyDraft(manifest: unknown, draft: DraftMessage[]): unknown {
  const node = promptNode(manifest);
  if (!node) return manifest;
  const changed = classOf(manifest) === "RunnableSequence" || node !== manifest;
  const prompt = Array.isArray(kwargsOf(node).messages) ? chatWith(node, draft) : textWith(node, draft[0]);
  return changed ? withKwargs(manifest as Json, { first: prompt }) : prompt;
}

function textWith(node: Json, message: DraftMessage | undefined): Json {
  const text = message?.text ?? "";
  return withKwargs(node, {
    template: text,
    input_variables: needed(variablesOf(text, message?.format ?? "f-string"), node),
  });
}

function chatWith(node: Json, draft: DraftMessage[]): Json {
  const messages = draft.map(messageNode);
  const read = readManifest(withKwargs(node, { messages }));
  const found = read.kind === "chat" ? read.messages : [];
  const optional = found.flatMap(({ placeholder }) => (placeholder?.optional ? [placeholder.variable] : []));
  const before = kwargsOf(node);
  const partial = { ...(isObject(before.partial_variables) ? before.partial_variables : {}) };
  // LangChain gives optional lists an empty value; those that are gone take it along.
  for (const name of namesIn(before.optional_variables)) if (!optional.includes(name)) delete partial[name];
  for (const name of optional) partial[name] ??= [];
  const kwargs: Json = { messages, input_variables: [] };
  if (optional.length > 0 || "optional_variables" in before) kwargs.optional_variables = optional;
  if (Object.keys(partial).length > 0 || "partial_variables" in before) kwargs.partial_variables = partial;
  const changed = withKwargs(node, kwargs);
  return withKwargs(changed, { input_variables: needed(variablesIn(found), changed) });
}

const namesIn = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((name): name is string => typeof name === "string") : [];

/** Whoever uses the prompt has to give these. */
function needed(variables: string[], node: Json): string[] {
  const given = kwargsOf(node).partial_variables;
  return variables.filter((name) => !(isObject(given) && name in given)).toSorted();
}

function messageNode(message: DraftMessage): unknown {
  const { source } = message;
  if (source && isUntouched(message, source)) return source.source;
  if (message.variable !== undefined)
    return constructor("MessagesPlaceholder", { variable_name: message.variable, optional: message.optional === true });
  if (message.text === null) return source?.source;
  const old = isObject(source?.source) ? source.source : null;
  if (old && source?.role === message.role) {
    const prompt = kwargsOf(old).prompt;
    if (typeof kwargsOf(old).content === "string") return withKwargs(old, { content: message.text });
    // A list of one part stays a list.
    const part = Array.isArray(prompt) ? (prompt[0] as unknown) : prompt;
    const next = withKwargs(isObject(part) ? part : template("", message.format), {
      template: message.text,
      input_variables: variablesOf(message.text, message.format).toSorted(),
    });
    return withKwargs(old, { prompt: Array.isArray(prompt) ? [next] : next });
  }
  const prompt = template(message.text, message.format === "none" ? "f-string" : message.format);
  const name = CLASSES[message.role];
  return name
    ? constructor(name, { prompt })
    : constructor("ChatMessagePromptTemplate", { prompt, role: message.role });
}

function isUntouched(message: DraftMessage, source: PromptMessage): boolean {
  const [part] = source.parts;
  return (
    message.role === source.role &&
    (message.text === null || (part?.kind === "text" && part.text === message.text)) &&
    message.variable === source.placeholder?.variable &&
    message.optional === source.placeholder?.optional
  );
}

const withKwargs = (node: Json, kwargs: Json): Json => ({ ...node, kwargs: { ...kwargsOf(node), ...kwargs } });

function constructor(name: string, kwargs: Json): Json {
  return { lc: 1, type: "constructor", id: ["langchain", "prompts", "chat", name], kwargs };
}

function template(text: string, format: TemplateFormat): Json {
  const kwargs = { input_variables: variablesOf(text, format).toSorted(), template: text, template_format: format };
  return { lc: 1, type: "constructor", id: ["langchain", "prompts", "prompt", "PromptTemplate"], kwargs };
}
