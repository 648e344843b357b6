import { LEVELS, type Level } from "@/lib/api/telemetry";
import { absoluteRange } from "@/lib/time-range";
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
  /** Only the record of this id. */
  record?: string;
  order?: "oldest";
}

export const validateLogsSearch = (search: Record<string, unknown>): LogsSearch => ({
  q: textParam(search.q),
  t: textParam(search.t),
  severity: wordParam(search.severity, LEVELS),
  service: textParam(search.service),
  trace: textParam(search.trace),
  record: textParam(search.record),
  order: wordParam(search.order, ["oldest"] as const),
});

const AROUND_US = 60e6;

/** Shows one record, and without the filter what was said a minute before and after it. */
export const searchOfRecord = ({ id, time }: { id: string; time: number }) => ({
  record: id,
  t: absoluteRange(time - AROUND_US, time + AROUND_US),
});
