import { LEVELS, type Level } from "@/lib/api/telemetry";
import { textParam, wordParam } from "@/lib/url";

/** What the address of the logs holds. Absent = the default. */
export interface LogsSearch {
  /** Text contained in the message or event name. */
  q?: string;
  t?: string;
  /** At least this level. */
  severity?: Level;
  service?: string;
  trace?: string;
  order?: "oldest";
}

export const validateLogsSearch = (search: Record<string, unknown>): LogsSearch => ({
  q: textParam(search.q),
  t: textParam(search.t),
  severity: wordParam(search.severity, LEVELS),
  service: textParam(search.service),
  trace: textParam(search.trace),
  order: wordParam(search.order, ["oldest"] as const),
});
