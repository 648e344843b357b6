//! The `t` parameter: `24h`, `all`, or `<from>..<to>` with either side open. Times are microseconds.

export interface Span {
  from: number | null;
  to: number | null;
}

export interface Preset {
  value: string;
  label: string;
}

/** Where no range is chosen: the shortest of these that reaches back to the last run, so that no list opens empty. */
export function defaultRange(lastRun: number | null | undefined, now = Date.now() * 1000): string {
  if (lastRun === null || lastRun === undefined) return "24h";
  return ["24h", "7d", "30d"].find((range) => lastRun >= (rangeSpan(range, now).from ?? 0)) ?? "all";
}

export const PRESETS: readonly Preset[] = [
  { value: "15m", label: "Past 15 minutes" },
  { value: "1h", label: "Past hour" },
  { value: "24h", label: "Past 24 hours" },
  { value: "7d", label: "Past 7 days" },
  { value: "30d", label: "Past 30 days" },
  { value: "all", label: "All time" },
];

const UNITS: Record<string, number> = { m: 60e6, h: 3600e6, d: 86_400e6 };

/** What a range means at `now`. Anything unreadable is no limit: the server says what is wrong with it. */
export function rangeSpan(range: string, now = Date.now() * 1000): Span {
  const relative = /^(\d+)([mhd])$/.exec(range);
  if (relative) return { from: now - Number(relative[1]) * UNITS[relative[2]], to: now };
  const absolute = /^(.*)\.\.(.*)$/.exec(range);
  return absolute ? { from: instant(absolute[1]), to: instant(absolute[2]) } : { from: null, to: null };
}

function instant(text: string): number | null {
  if (text === "") return null;
  if (/^\d+$/.test(text)) return Number(text);
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms * 1000;
}

/** `2026-11-19T14:00:00Z..2026-11-20T02:00:00Z`: RFC 3339 in UTC, so that a link means the same for every reader. */
export const absoluteRange = (from: number | null, to: number | null): string => `${iso(from)}..${iso(to)}`;

function iso(us: number | null): string {
  if (us === null) return "";
  return new Date(Math.round(us / 1000)).toISOString().replace(".000Z", "Z");
}

const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const CLOCK_SECONDS = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** `Past 24 hours`, `20 Nov 14:00 – 16:30`, `since 20 Nov 14:00`. */
export function rangeLabel(range: string): string {
  const preset = PRESETS.find((item) => item.value === range);
  if (preset) return preset.label;
  const relative = /^(\d+)([mhd])$/.exec(range);
  if (relative) {
    const unit = { m: "minute", h: "hour", d: "day" }[relative[2]] ?? "";
    return `Past ${relative[1]} ${unit}${relative[1] === "1" ? "" : "s"}`;
  }
  const { from, to } = rangeSpan(range, 0);
  if (from === null && to === null) return "All time";
  if (to === null) return `since ${moment(from as number, false)}`;
  if (from === null) return `until ${moment(to, false)}`;
  const fine = to - from < 600e6;
  const sameDay = DAY.format(from / 1000) === DAY.format(to / 1000);
  return `${moment(from, fine)} – ${sameDay ? clock(to, fine) : moment(to, fine)}`;
}

const clock = (us: number, fine: boolean): string => (fine ? CLOCK_SECONDS : CLOCK).format(us / 1000);
const moment = (us: number, fine: boolean): string => `${DAY.format(us / 1000)} ${clock(us, fine)}`;

/** Label of a tick: the clock, and the day where one begins or where ticks are days apart. */
export function tickLabel(us: number, stepUs: number): string {
  const date = new Date(us / 1000);
  const midnight = date.getHours() + date.getMinutes() + date.getSeconds() === 0;
  return midnight || stepUs > 43_200e6 ? DAY.format(date) : clock(us, stepUs < 60e6);
}

/** True for moments of this day in the viewer's zone. */
export function isToday(us: number, now = Date.now()): boolean {
  const midnight = new Date(now).setHours(0, 0, 0, 0) * 1000;
  return us >= midnight && us < midnight + 86_400e6;
}

export const zoneName = (): string => new Intl.DateTimeFormat().resolvedOptions().timeZone;

const STEPS = [1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800];

/** Round moments (in the viewer's zone) for about `count` ticks. */
export function ticks(from: number, to: number, count: number): number[] {
  const wanted = (to - from) / 1e6 / Math.max(1, count);
  const step = (STEPS.find((seconds) => seconds >= wanted) ?? Math.ceil(wanted / 86_400) * 86_400) * 1e6;
  const zone = new Date(from / 1000).getTimezoneOffset() * 60e6;
  const found: number[] = [];
  for (let at = Math.ceil((from - zone) / step) * step + zone; at < to; at += step) found.push(at);
  return found;
}

/** Value of `<input type="datetime-local">` for an instant, in the viewer's zone, and back. */
export function toLocalInput(us: number | null): string {
  if (us === null) return "";
  const date = new Date(us / 1000);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

export function fromLocalInput(text: string): number | null {
  const ms = text === "" ? Number.NaN : new Date(text).getTime();
  return Number.isNaN(ms) ? null : ms * 1000;
}
