//! Search parameters as plain text. The URL is the state, so it has to stay readable: no JSON, no quotes.

/** `?axis=cost&win=0-12` → `{axis: "cost", win: "0-12"}`. */
export function parseSearch(search: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(search));
}

/** Leaves out what is empty, and keeps the characters of the filter language legible. */
export function stringifySearch(search: Record<string, unknown>): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(search)) {
    if (value === undefined || value === null || value === "" || value === false) continue;
    parts.push(`${encode(name)}=${encode(value === true ? "1" : String(value as string))}`);
  }
  return parts.length > 0 ? `?${parts.join("&")}` : "";
}

const LEGIBLE: Record<string, string> = {
  "%3A": ":",
  "%2C": ",",
  "%2F": "/",
  "%20": "+",
  "%3E": ">",
  "%40": "@",
  "%3D": "=",
};

const encode = (text: string): string =>
  encodeURIComponent(text).replace(/%(?:3A|2C|2F|20|3E|40|3D)/g, (escape) => LEGIBLE[escape] ?? escape);

/** Text of a search parameter, or nothing. */
export const textParam = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

/** One of the given words, or nothing. */
export function wordParam<const T extends string>(value: unknown, words: readonly T[]): T | undefined {
  return words.find((word) => word === value);
}

/** `1` is on. */
export const flagParam = (value: unknown): true | undefined => (value === "1" || value === true ? true : undefined);
