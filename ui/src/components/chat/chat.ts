//! From a list of messages to what the chat shows: what is new, what was sent before, which result answers which call.

import type { Message, Part, ToolCall } from "@/lib/api/types";

export interface Turn {
  message: Message;
  /** Index in the list it came from. */
  index: number;
  calls: { call: ToolCall; result: Turn | null }[];
}

export interface Chat {
  system: Turn[];
  /** Re-sent and unchanged since the previous call. */
  earlier: Turn[];
  fresh: Turn[];
  response: Turn[];
  /** Name of the tool of each call id, over all messages. */
  toolNames: Map<string, string>;
}

const isSystem = (message: Message): boolean => message.role === "system" || message.role === "developer";

export function buildChat(inputs: Message[], outputs: Message[], sharedPrefix: number): Chat {
  const turns = turnsOf(inputs);
  const lead = turns.findIndex((turn) => !isSystem(turn.message));
  const head = lead < 0 ? turns.length : lead;
  const shared = Math.min(Math.max(sharedPrefix, head), turns.length);
  return {
    system: turns.slice(0, head),
    earlier: pairResults(turns.slice(head, shared)),
    fresh: pairResults(turns.slice(shared)),
    response: turnsOf(outputs),
    toolNames: toolNamesOf([...inputs, ...outputs]),
  };
}

export const turnsOf = (messages: Message[]): Turn[] => messages.map((message, index) => turnOf(message, index));

/** Name of the tool of each call id. */
export function toolNamesOf(messages: Message[]): Map<string, string> {
  const names = new Map<string, string>();
  for (const message of messages)
    for (const call of message.tool_calls ?? []) if (call.id) names.set(call.id, call.name);
  return names;
}

const turnOf = (message: Message, index: number): Turn => ({
  message,
  index,
  calls: (message.tool_calls ?? []).map((call) => ({ call, result: null })),
});

/** Puts tool results under their calls; results whose call is elsewhere stay messages of their own. */
export function pairResults(turns: Turn[]): Turn[] {
  const open = new Map<string, Turn["calls"][number]>();
  const out: Turn[] = [];
  for (const turn of turns) {
    const id = turn.message.tool_call_id;
    const slot = id && turn.message.role === "tool" ? open.get(id) : undefined;
    if (slot && slot.result === null) slot.result = turn;
    else out.push(turn);
    for (const slotOfCall of turn.calls) if (slotOfCall.call.id) open.set(slotOfCall.call.id, slotOfCall);
  }
  return out;
}

/** Content as parts, whatever form it came in: instrumentations pass on what they were given. */
export function partsOf(message: Message): Part[] {
  const content: unknown = message.content;
  if (content === null || content === undefined || content === "") return [];
  const list: unknown[] = Array.isArray(content) ? content : [content];
  return list.filter((item) => item !== null && item !== undefined).map(partOf);
}

function partOf(item: unknown): Part {
  if (typeof item !== "object") return { type: "text", text: String(item) };
  const part = item as Part;
  return mediaOf(part) ?? part;
}

/** Images in the forms of the large providers, as the one form that is drawn. */
function mediaOf(part: Part): Part | null {
  if (part.type === "image_url" || part.type === "input_image") {
    const address = part.image_url as string | { url?: string } | undefined;
    const url = typeof address === "string" ? address : address?.url;
    return typeof url === "string" ? { type: "image", url } : null;
  }
  const source = part.source as { data?: string; media_type?: string; url?: string } | undefined;
  if ((part.type === "image" || part.type === "document") && source && typeof source === "object") {
    const type = part.type === "image" ? "image" : "file";
    if (typeof source.data === "string") return { type, data: source.data, mime_type: source.media_type };
    if (typeof source.url === "string") return { type, url: source.url };
  }
  return null;
}

/** A message as text, for copying. */
export function plainText(message: Message): string {
  const parts = partsOf(message).map((part) =>
    typeof part.text === "string" ? part.text : JSON.stringify(part, null, 2),
  );
  for (const call of message.tool_calls ?? []) parts.push(`${call.name}(${JSON.stringify(call.arguments)})`);
  return parts.join("\n\n");
}

/** Looks like a failure that a tool reported in its result. */
export function reportsError(message: Message): boolean {
  if (message.role !== "tool" && message.role !== "function") return false;
  const text = typeof message.content === "string" ? message.content : "";
  return /^\s*(?:\{\s*"(?:error|exception)"\s*:\s*(?!null|false|"")|(?:Tool)?Error\b|Traceback \()/.test(text);
}
