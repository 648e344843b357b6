//! The traces list's part of the URL.

import { textParam } from "@/lib/url";

export interface TracesSearch {
  q?: string;
  t?: string;
  sort?: string;
}

export const validateTracesSearch = (search: Record<string, unknown>): TracesSearch => ({
  q: textParam(search.q),
  t: textParam(search.t),
  sort: textParam(search.sort),
});
