//! Values as the filter language writes them.

/** Words that need quotes inside a filter. */
const NEEDS_QUOTES = /[\s"()\\]|^$|^-|\.\.|^(?:<|>|~)/;

/** A value as the filter language writes it. Globs in the data are literal text, so they are quoted too. */
export const quoteValue = (value: string): string =>
  NEEDS_QUOTES.test(value) || value.includes("*") || value === "OR"
    ? `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`
    : value;
