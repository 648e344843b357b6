//! LangSmith's times are ISO texts; the rest of the pages speaks microseconds.

export const microsOf = (iso: string): number => Date.parse(iso) * 1000;
export const shortHash = (hash: string): string => hash.slice(0, 8);
