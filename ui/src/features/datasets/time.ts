//! Times of LangSmith's API are ISO texts; those of the interface are microseconds.

import { formatAgo, formatDateTime } from "@/lib/format";

export const micros = (iso: string): number => Date.parse(iso) * 1000;
export const ago = (iso: string): string => formatAgo(micros(iso));
export const at = (iso: string): string => formatDateTime(micros(iso));
