//! Live updates. Server-sent events are read with fetch, because EventSource cannot send the key header.

import { useEffect, useRef } from "react";
import { apiUrl, authHeaders } from "./client";

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 15_000;

/** Calls `onTraces` with the ids of traces that received runs; reconnects by itself. */
export function subscribeTraces(project: string, onTraces: (ids: string[]) => void): () => void {
  const stop = new AbortController();
  void listen(project, onTraces, stop.signal);
  return () => stop.abort();
}

/** The hook for pages: always calls the newest `onTraces`. Pass `null` to listen to nothing. */
export function useTraceEvents(project: string | null, onTraces: (ids: string[]) => void): void {
  const latest = useRef(onTraces);
  useEffect(() => {
    latest.current = onTraces;
  });
  useEffect(() => (project === null ? undefined : subscribeTraces(project, (ids) => latest.current(ids))), [project]);
}

async function listen(project: string, onTraces: (ids: string[]) => void, signal: AbortSignal): Promise<void> {
  let delay = FIRST_RETRY_MS;
  while (!signal.aborted) {
    try {
      const headers = { accept: "text/event-stream", ...authHeaders() };
      const response = await fetch(apiUrl("/events", { project }), { headers, signal });
      if (response.status === 401 || response.status === 403 || response.status === 404) return;
      if (response.ok && response.body) {
        delay = FIRST_RETRY_MS;
        await read(response.body, onTraces);
      }
    } catch {
      // Server restarting or network gone: try again below.
    }
    if (signal.aborted) return;
    await new Promise((resolve) => setTimeout(resolve, delay));
    delay = Math.min(LAST_RETRY_MS, delay * 2);
  }
}

async function read(body: ReadableStream<Uint8Array>, onTraces: (ids: string[]) => void): Promise<void> {
  const reader = body
    .pipeThrough(new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>)
    .getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split(/\r?\n\r?\n/);
    rest = blocks.pop() ?? "";
    for (const block of blocks) dispatch(block, onTraces);
  }
}

function dispatch(block: string, onTraces: (ids: string[]) => void): void {
  let event = "message";
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    if (line.startsWith("event:")) event = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(5).trimStart());
  }
  if (event !== "traces") return;
  const ids = (JSON.parse(data.join("\n")) as { trace_ids?: string[] }).trace_ids;
  if (ids && ids.length > 0) onTraces(ids);
}
