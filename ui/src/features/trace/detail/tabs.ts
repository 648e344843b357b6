//! Which tabs the detail pane has for a node.

import type { Run } from "@/lib/api/types";
import { isParent, type TraceModel, typeOf } from "../model/types";

export type TabId =
  | "breakdown"
  | "messages"
  | "io"
  | "parameters"
  | "attributes"
  | "events"
  | "feedback"
  | "links"
  | "raw";

export interface Tab {
  id: TabId;
  label: string;
}

const TABS: Record<TabId, string> = {
  breakdown: "Breakdown",
  messages: "Messages",
  io: "Input / Output",
  parameters: "Parameters",
  attributes: "Attributes",
  events: "Events",
  feedback: "Feedback",
  links: "Links",
  raw: "Raw",
};

/** Parents open on the breakdown, LLM calls on their messages, everything else on input and output. */
export function tabsOf(t: TraceModel, i: number, run?: Run): Tab[] {
  const ids: TabId[] = [];
  if (t.members[i] > 0) return [{ id: "breakdown", label: TABS.breakdown }];
  const llm = typeOf(t, i) === "llm";
  if (isParent(t, i) && !llm) ids.push("breakdown");
  ids.push(llm ? "messages" : "io");
  if (isParent(t, i) && llm) ids.push("breakdown");
  if (llm || (run?.invocation_params && Object.keys(run.invocation_params).length > 0)) ids.push("parameters");
  ids.push("attributes", "events", "feedback");
  if (run && run.links.length > 0) ids.push("links");
  ids.push("raw");
  return ids.map((id) => ({ id, label: TABS[id] }));
}
