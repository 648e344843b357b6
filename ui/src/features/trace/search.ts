//! The trace page's part of the URL.

import { type Level, LEVELS } from "@/lib/api/telemetry";
import type { Axis } from "@/lib/api/types";
import { flagParam, textParam, wordParam } from "@/lib/url";

export interface TraceSearch {
  /** Selected run. */
  span?: string;
  axis?: Exclude<Axis, "time">;
  /** Zoom window `from-to` in µs, n$ or tokens. */
  win?: string;
  find?: string;
  /** `1`: find also looks into payloads, on the server. */
  deep?: true;
  only?: "errors" | "critical" | "llm" | "matches";
  cp?: true;
  flame?: true;
  /** What stands beside the details; absent = the timeline. */
  as?: "logs";
  /** Logs: at least this level. */
  level?: Level;
  /** Logs: only those of the selected span and below it. */
  here?: true;
  /** `1`: HTTP and gRPC calls below model calls are shown. */
  transport?: true;
  tab?: string;
  /** JSON pointer into a payload. */
  path?: string;
}

export const validateTraceSearch = (search: Record<string, unknown>): TraceSearch => ({
  span: textParam(search.span),
  axis: wordParam(search.axis, ["cost", "tokens"] as const),
  win: textParam(search.win),
  find: textParam(search.find),
  deep: flagParam(search.deep),
  only: wordParam(search.only, ["errors", "critical", "llm", "matches"] as const),
  cp: flagParam(search.cp),
  flame: flagParam(search.flame),
  as: wordParam(search.as, ["logs"] as const),
  level: wordParam(search.level, LEVELS),
  here: flagParam(search.here),
  transport: flagParam(search.transport),
  tab: textParam(search.tab),
  path: textParam(search.path),
});
