//! How numbers read on screen. Durations are microseconds, money is nano-dollars or a decimal string.

/** A dash for what is unknown: unknown is never shown as zero. */
export const UNKNOWN = "–";

/** `13.76 s`, `19m 45s`, `3h 22m`; whole microseconds below a millisecond. */
export function formatDuration(us: number | null | undefined): string {
  if (us === null || us === undefined || !Number.isFinite(us)) return UNKNOWN;
  const ms = us / 1000;
  if (ms < 1) return `${Math.round(us)} µs`;
  if (ms < 99.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${ms.toFixed(0)} ms`;
  if (ms < 59_995) return `${(ms / 1000).toFixed(2)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${pad(seconds % 60)}s`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)}h ${pad(Math.floor((seconds % 3600) / 60))}m`;
  return `${Math.floor(seconds / 86_400)}d ${Math.floor((seconds % 86_400) / 3600)}h`;
}

/** Dollars from nano-dollars. `null` = unknown; zero is a real price of nothing. */
export function formatCost(nano: number | null | undefined): string {
  if (nano === null || nano === undefined || !Number.isFinite(nano)) return UNKNOWN;
  const dollars = nano / 1e9;
  const sign = dollars < 0 ? "−" : "";
  const abs = Math.abs(dollars);
  if (abs === 0) return "$0";
  if (abs < 0.0001) return `${sign}<$0.0001`;
  if (abs < 0.01) return `${sign}$${abs.toFixed(4)}`;
  if (abs < 0.9995) return `${sign}$${abs.toFixed(3)}`;
  if (abs < 10_000) return `${sign}$${abs.toFixed(2)}`;
  return `${sign}$${Math.round(abs).toLocaleString("en-US")}`;
}

/** A sum that lacks calls without a price: `≥ $0.02`. */
export function formatAtLeast(nano: number): string {
  return nano < 100_000 ? "≥ $0" : `≥ ${formatCost(nano)}`;
}

/** Nano-dollars of a decimal string such as `"0.00012"`. */
export function nanoOf(dollars: string | null | undefined): number | null {
  if (dollars === null || dollars === undefined || dollars === "") return null;
  const value = Number(dollars);
  return Number.isFinite(value) ? Math.round(value * 1e9) : null;
}

/** The same for money that the API sends as a decimal string. */
export const formatDollars = (dollars: string | null | undefined): string => formatCost(nanoOf(dollars));

/** `826`, `4.8k`, `70k`, `17.84M`. */
export function formatTokens(tokens: number | null | undefined): string {
  if (tokens === null || tokens === undefined || !Number.isFinite(tokens)) return UNKNOWN;
  if (tokens < 1000) return String(tokens);
  if (tokens < 9950) return `${(tokens / 1000).toFixed(1)}k`;
  if (tokens < 999_500) return `${Math.round(tokens / 1000)}k`;
  if (tokens < 1e9) return `${(tokens / 1e6).toFixed(2)}M`;
  return `${(tokens / 1e9).toFixed(2)}B`;
}

/** `12,345`. */
export const formatInt = (n: number | null | undefined): string =>
  n === null || n === undefined ? UNKNOWN : n.toLocaleString("en-US");

/** `33%`; a share that is not zero is never shown as `0%`. */
export function formatPercent(share: number): string {
  if (!Number.isFinite(share)) return UNKNOWN;
  if (share > 0 && share < 0.01) return "<1%";
  if (share < 1 && share > 0.99) return "99%";
  return `${Math.round(share * 100)}%`;
}

/** `2.1×`. */
export const formatRatio = (x: number): string => `${x < 10 ? x.toFixed(1) : formatInt(Math.round(x))}×`;

/** `18.2 MB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 999_500) return `${(bytes / 1000).toFixed(bytes < 9950 ? 1 : 0)} kB`;
  if (bytes < 999_500_000) return `${(bytes / 1e6).toFixed(1)} MB`;
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

/** `1 span`, `3 spans`. */
export const plural = (n: number, one: string, many = `${one}s`): string => `${formatInt(n)} ${n === 1 ? one : many}`;

export const unpricedCalls = (n: number): string => `${plural(n, "call")} ${n === 1 ? "is" : "are"} unpriced`;

const pad = (n: number): string => String(n).padStart(2, "0");

const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const DAY_YEAR = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

/** `14:02:11`, in the viewer's zone. */
export const formatTime = (us: number): string => TIME.format(us / 1000);

const CLOCK_MS = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
});

/** `14:02:11.482`, in the viewer's zone; `20 Nov, 14:02:11.482` when `dated`. */
export const formatClock = (us: number, dated = false): string =>
  dated ? `${DAY.format(us / 1000)}, ${CLOCK_MS.format(us / 1000)}` : CLOCK_MS.format(us / 1000);

/** `20 Nov, 14:02:11`; with the year when it is not this one. */
export function formatDateTime(us: number, now = Date.now()): string {
  const date = new Date(us / 1000);
  const day = date.getFullYear() === new Date(now).getFullYear() ? DAY.format(date) : DAY_YEAR.format(date);
  return `${day}, ${TIME.format(date)}`;
}

/** The exact instant for hover texts: ISO in UTC, microseconds kept. */
export function formatInstant(us: number): string {
  const iso = new Date(Math.floor(us / 1000)).toISOString();
  return `${iso.slice(0, -1)}${String(us % 1000).padStart(3, "0")}Z`;
}

/** `just now`, `18 min ago`, `3 days ago`. */
export function formatAgo(us: number, now = Date.now()): string {
  const seconds = Math.max(0, Math.round(now / 1000 - us / 1e6));
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${plural(Math.floor(seconds / 86_400), "day")} ago`;
}
