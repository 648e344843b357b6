//! What a commit holds: LangChain's JSON of a prompt, alone or with its model, or the files of an agent or skill.

import { isObject, type Json } from "@/lib/api/json";
import { type Segment, segmentsOf, formatOf, type TemplateFormat, variablesOf } from "./template";

export interface TextPart {
  kind: "text";
  text: string;
  format: TemplateFormat;
}

/** One message of a chat prompt, or the whole text of one that is no chat. */
export interface PromptMessage {
  /** `system`, `user`, `assistant`, `prompt` for a text, `messages` for a placeholder, or the role as it was written. */
  role: string;
  parts: (TextPart | { kind: "other"; label: string; data: unknown })[];
  /** The variable that a list of messages goes into. */
  placeholder?: { variable: string; optional: boolean };
  /** As it stands in the manifest. */
  source: unknown;
}

export interface ModelSettings {
  name: string;
  settings: [key: string, value: unknown][];
}

export interface PromptFile {
  path: string;
  /** Nothing for a link to another agent or skill. */
  content: string | null;
  link: { kind: string; name: string } | null;
}

export type PromptContent =
  | {
      kind: "chat" | "text";
      messages: PromptMessage[];
      variables: string[];
      model: ModelSettings | null;
      /** The schema that the answer has to follow. */
      schema: unknown;
    }
  | { kind: "files"; files: PromptFile[] }
  | { kind: "unknown" };

/** The last part of a constructor's id: `ChatPromptTemplate`. */
export function classOf(node: unknown): string {
  const last = isObject(node) && Array.isArray(node.id) ? (node.id.at(-1) as unknown) : undefined;
  return typeof last === "string" ? last : "";
}

export const kwargsOf = (node: unknown): Json => (isObject(node) && isObject(node.kwargs) ? node.kwargs : {});

/** The prompt inside of a manifest: itself, or the first step of a prompt with its model. */
export function promptNode(manifest: unknown): Json | null {
  const node = classOf(manifest) === "RunnableSequence" ? kwargsOf(manifest).first : manifest;
  return isObject(node) && /Prompt/.test(classOf(node)) ? node : null;
}

export function readManifest(manifest: unknown): PromptContent {
  if (isObject(manifest) && isObject(manifest.files) && !("lc" in manifest))
    return { kind: "files", files: readFiles(manifest.files) };
  const node = promptNode(manifest);
  const kwargs = kwargsOf(node);
  // Python writes an underscore, as `schema` is taken there.
  const { schema_: python, schema: other } = kwargs;
  const common = { model: readModel(manifest), schema: python ?? other ?? null };
  if (node && Array.isArray(kwargs.messages)) {
    const messages = (kwargs.messages as unknown[]).map(readMessage);
    return { kind: "chat", messages, variables: variablesIn(messages), ...common };
  }
  if (node && typeof kwargs.template === "string") {
    const messages = [{ role: "prompt", parts: [textPart(kwargs)], source: node }];
    return { kind: "text", messages, variables: variablesIn(messages), ...common };
  }
  return { kind: "unknown" };
}

function readFiles(files: Json): PromptFile[] {
  return Object.entries(files)
    .map(([path, file]): PromptFile => {
      const entry = isObject(file) ? file : {};
      const link = typeof entry.repo_handle === "string" ? { kind: String(entry.type), name: entry.repo_handle } : null;
      return { path, content: typeof entry.content === "string" ? entry.content : null, link };
    })
    .toSorted((a, b) => rank(a) - rank(b) || a.path.localeCompare(b.path));
}

/** `SKILL.md`, `AGENTS.md` and `README.md` say what the rest is. */
const rank = (file: PromptFile): number => (/^[A-Z]+\.md$/.test(file.path) ? 0 : 1);

const ROLES: [RegExp, string][] = [
  [/^System/, "system"],
  [/^Human/, "user"],
  [/^AI/, "assistant"],
  [/^Tool|^Function/, "tool"],
];

function readMessage(source: unknown): PromptMessage {
  const name = classOf(source);
  const kwargs = kwargsOf(source);
  if (name === "MessagesPlaceholder") {
    const placeholder = { variable: String(kwargs.variable_name ?? ""), optional: kwargs.optional === true };
    return { role: "messages", parts: [], placeholder, source };
  }
  const known = ROLES.find(([pattern]) => pattern.test(name))?.[1];
  const role = typeof kwargs.role === "string" ? kwargs.role : (known ?? (name || "message"));
  if (isObject(kwargs.prompt) || Array.isArray(kwargs.prompt)) {
    const prompts: unknown[] = Array.isArray(kwargs.prompt) ? kwargs.prompt : [kwargs.prompt];
    return { role, parts: prompts.map(readPart), source };
  }
  // A message that is no template says what it says.
  if (typeof kwargs.content === "string")
    return { role, parts: [{ kind: "text", text: kwargs.content, format: "none" }], source };
  return { role, parts: [{ kind: "other", label: name || "message", data: source }], source };
}

function readPart(prompt: unknown): PromptMessage["parts"][number] {
  const kwargs = kwargsOf(prompt);
  if (typeof kwargs.template === "string") return textPart(kwargs);
  const label =
    classOf(prompt)
      .replace(/PromptTemplate$/, "")
      .toLowerCase() || "part";
  return { kind: "other", label, data: kwargs.template ?? prompt };
}

const textPart = (kwargs: Json): TextPart => ({
  kind: "text",
  text: String(kwargs.template),
  format: formatOf(kwargs.template_format),
});

export function variablesIn(messages: PromptMessage[]): string[] {
  const names = new Set<string>();
  for (const { parts, placeholder, source } of messages) {
    if (placeholder) names.add(placeholder.variable);
    for (const part of parts)
      if (part.kind === "text") for (const name of variablesOf(part.text, part.format)) names.add(name);
    // Pictures and files name their variables themselves.
    if (parts.some((part) => part.kind === "other")) for (const name of namedIn(source)) names.add(name);
  }
  return [...names];
}

function namedIn(source: unknown): string[] {
  const prompt = kwargsOf(source).prompt;
  const list: unknown[] = Array.isArray(prompt) ? prompt : [prompt];
  return list.flatMap((one) => {
    const names = kwargsOf(one).input_variables;
    return Array.isArray(names) ? names.filter((name): name is string => typeof name === "string") : [];
  });
}

/** Keys that say nothing about how the model answers. */
const SECRET = /(?:api_?key|token_provider|secret|organization)$/i;

/** The model of a prompt that was kept together with one. */
function readModel(manifest: unknown): ModelSettings | null {
  if (classOf(manifest) !== "RunnableSequence") return null;
  const { last, steps, middle } = kwargsOf(manifest);
  const found = [
    last,
    ...(Array.isArray(middle) ? (middle as unknown[]) : []),
    ...(Array.isArray(steps) ? (steps as unknown[]) : []),
  ]
    .map((node) => (classOf(node) === "RunnableBinding" ? bound(node) : { node, extra: {} }))
    .find(({ node }) => node && !/Prompt|Parser/.test(classOf(node)) && classOf(node) !== "");
  if (!found) return null;
  const settings = Object.entries({ ...kwargsOf(found.node), ...found.extra }).filter(
    ([key, value]) => value !== null && !SECRET.test(key) && !(isObject(value) && value.type === "secret"),
  );
  return { name: classOf(found.node), settings };
}

/** `model.bind(tools=…)` keeps what was bound beside the model. */
function bound(node: unknown): { node: unknown; extra: Json } {
  const { bound: inner, kwargs } = kwargsOf(node);
  return { node: inner, extra: isObject(kwargs) ? kwargs : {} };
}

/** The text of a message for comparing and copying. */
export function textOf(message: PromptMessage): string {
  const { placeholder } = message;
  if (placeholder) return `{${placeholder.variable}}${placeholder.optional ? " (optional)" : ""}`;
  return message.parts
    .map((part) => (part.kind === "text" ? part.text : JSON.stringify(part.data, null, 2)))
    .join("\n\n");
}

export const segmentsOfPart = (part: TextPart): Segment[] => segmentsOf(part.text, part.format);
