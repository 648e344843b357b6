//! JSON without losing digits: integers beyond 2^53 stay what was sent.

/** An integer too long for a JavaScript number; shown and copied digit by digit. */
export class BigNumber {
  readonly digits: string;
  constructor(digits: string) {
    this.digits = digits;
  }
  toJSON(): unknown {
    const raw = (JSON as unknown as { rawJSON?: (text: string) => unknown }).rawJSON;
    return raw ? raw(this.digits) : this.digits;
  }
}

// 2^53 is 9,007,199,254,740,992: only a document with such a run of digits can hold an integer that a double cannot.
// Times in microseconds have sixteen digits and do not begin with 9, so they do not slow anything down.
const LONG_INTEGER = /9\d{15}|\d{17}/;

export function parseJson(text: string): unknown {
  if (!LONG_INTEGER.test(text)) return JSON.parse(text);
  // The third argument of a reviver carries the source text (ES2025, Chrome 114, Firefox 135, Safari 18.4);
  // where it is missing the number is rounded as everywhere else.
  const revive = (_key: string, value: unknown, context?: { source?: string }): unknown => {
    if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
    const source = context?.source;
    return source && /^-?\d+$/.test(source) ? new BigNumber(source) : value;
  };
  return JSON.parse(text, revive as (key: string, value: unknown) => unknown);
}

/** An object of JSON. */
export type Json = Record<string, unknown>;

export const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Pretty-printed JSON that keeps those digits. */
export function printJson(value: unknown, indent = 2): string {
  return JSON.stringify(value, null, indent) ?? "null";
}
