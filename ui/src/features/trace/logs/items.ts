//! Log records and span events of a trace in one order of time.

import type { Level, LogRow, TraceEvent } from "@/lib/api/telemetry";
import type { Run } from "@/lib/api/types";
import { atLeast, lineOf, valueText } from "@/lib/log-text";
import { errorText } from "@/lib/error-text";
import { normaliseKey } from "@/lib/ids";
import type { Detailed } from "@/components/log/LogDetail";
import type { LogItem } from "@/components/log/LogList";
import { type TraceModel } from "../model/types";

export interface TraceLogItem extends LogItem {
  /** Node of its span, −1 when that is not in the trace. */
  node: number;
  source: "log" | "event";
  record: Detailed;
}

export const EXCEPTION = "exception";

export function itemsOfLogs(t: TraceModel, logs: readonly LogRow[]): TraceLogItem[] {
  const rows = rowsOf(t);
  return logs.map((row) => ({
    id: row.id,
    time: row.time,
    level: row.level,
    name: row.event_name,
    text: lineOf(row),
    node: nodeOf(t, rows, row.run_id),
    source: "log",
    record: row,
  }));
}

export type SpanEvents = ReadonlyMap<string, Run["events"]>;

/** Events of a trace, those of each run together in the order they have there. */
export function byRun(events: readonly TraceEvent[]): SpanEvents {
  const found = new Map<string, Run["events"]>();
  for (const { run_id: run, ...event } of events) {
    const known = found.get(run);
    if (known) known.push(event);
    else found.set(run, [event]);
  }
  return found;
}

/** Events of spans. An exception is an error; what else an event means, only its name says. */
export function itemsOfEvents(t: TraceModel, events: SpanEvents): TraceLogItem[] {
  const rows = rowsOf(t);
  const items: TraceLogItem[] = [];
  for (const [runId, list] of events)
    for (const [place, event] of list.entries()) {
      const failed = event.name === EXCEPTION;
      const message = event.attributes["exception.message"];
      const type = event.attributes["exception.type"];
      const said = failed && message !== undefined ? exceptionText(valueText(message), valueText(type)) : null;
      items.push({
        id: `${runId}-${place}`,
        time: event.time,
        level: failed ? "error" : null,
        name: event.name,
        text: lineOf({ body: said, attributes: event.attributes }),
        node: nodeOf(t, rows, runId),
        source: "event",
        record: { time: event.time, body: said, attributes: event.attributes, event_name: event.name },
      });
    }
  return items;
}

/** Its kind and its message; where one of them says everything, that. */
function exceptionText(message: string, type: string): string {
  if (type === "") return message;
  const { title, rest } = errorText(message, type);
  return rest === "" ? title : `${title}: ${rest}`;
}

/** What the server names events that it made of log records without a name. */
const UNNAMED = "log";

/** A log record completes its run, so most of them are among the run's events too: each is shown once, as what it is. */
export function together(logs: readonly TraceLogItem[], events: readonly TraceLogItem[]): TraceLogItem[] {
  const keyOf = (item: TraceLogItem) => `${item.node} ${item.time} ${item.name ?? UNNAMED}`;
  const known = new Set(logs.map(keyOf));
  return [...logs, ...events.filter((event) => !known.has(keyOf(event)))];
}

const rowsOf = (t: TraceModel): Map<string, number> => new Map(t.skeleton.runs.id.map((id, row) => [id, row]));

function nodeOf(t: TraceModel, rows: ReadonlyMap<string, number>, runId: string | null): number {
  const row = runId === null ? undefined : rows.get(normaliseKey(runId));
  return row === undefined ? -1 : t.nodeOfRun[row];
}

export interface LogFilter {
  text: string;
  level?: Level;
  /** Only this node and what is below it. */
  within?: number;
}

/** In order of time; records of one moment stay in the order they were sent in. */
export function chosen(t: TraceModel, items: readonly TraceLogItem[], filter: LogFilter): TraceLogItem[] {
  const { text, level, within } = filter;
  const needle = text.trim().toLowerCase();
  return items
    .filter(
      (item) =>
        (level === undefined || atLeast(item.level, level)) &&
        (within === undefined || (item.node >= within && item.node < within + t.size[within])) &&
        (needle === "" || `${item.name ?? ""} ${item.text}`.toLowerCase().includes(needle)),
    )
    .toSorted((a, b) => a.time - b.time);
}
