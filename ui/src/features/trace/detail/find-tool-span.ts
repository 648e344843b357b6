//! From a tool call in an answer to the span that executed it.

import { type TraceModel, typeOf } from "../model/types";

/** The first tool span of that name after the call, within the call's parent or the parent above; −1 when there is none. */
export function findToolSpan(t: TraceModel, call: number, name: string): number {
  let scope = t.parent[call];
  for (let level = 0; level < 2 && scope >= 0; level++, scope = t.parent[scope])
    for (let i = call + 1, end = scope + t.size[scope]; i < end; i++)
      if (typeOf(t, i) === "tool" && t.members[i] === 0 && matches(t.skeleton.dict[t.name[i]], name)) return i;
  return -1;
}

/** Instrumentations decorate names: `execute_tool get_weather`, `get_weather.tool`. */
const matches = (span: string, tool: string): boolean =>
  span === tool || span.endsWith(` ${tool}`) || span === `${tool}.tool` || span.endsWith(`(${tool})`);
