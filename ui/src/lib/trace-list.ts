//! The list that a trace was opened from, so that the trace page can step to the next one.

import { createStore } from "./store";

export interface TraceList {
  project: string;
  ids: string[];
}

export const traceList = createStore<TraceList | null>(null);
