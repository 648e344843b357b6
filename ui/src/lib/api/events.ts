//! Live updates. Server-sent events are read with fetch, because EventSource cannot send the key header.

import { useEffect, useRef } from "react";
import { apiUrl, authHeaders } from "./client";

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 15_000;

interface Listener {
  onTraces: (ids: string[]) => void;
  /** The connection was lost and is back: what happened meanwhile was not heard. */
  onReconnect: () => void;
}

/** Calls `onTraces` with the ids of traces that received runs; reconnects by itself. */
export function subscribeTraces(
  project: string,
  onTraces: (ids: string[]) => void,
  onReconnect: () => void = () => {},
): () => void {
  const stop = new AbortController();
  void listen(project, { onTraces, onReconnect }, stop.signal);
  return () => stop.abort();
}

/** The hook for pages: always calls the newest functions. Pass `null` to listen to nothing. */
export function useTraceEvents(
  project: string | null,
  onTraces: (ids: string[]) => void,
  onReconnect: () => void = () => {},
): void {
  const latest = useRef({ onTraces, onReconnect });
  useEffect(() => {
    latest.current = { onTraces, onReconnect };
  });
  useEffect(
    () =>
      project === null
        ? undefined
        : subscribeTraces(
            project,
            (ids) => latest.current.onTraces(ids),
            () => latest.current.onReconnect(),
          ),
    [project],
  );
}

async function listen(project: string, listener: Listener, signal: AbortSignal): Promise<void> {
  let delay = FIRST_RETRY_MS;
  let tries = 0;
  while (!signal.aborted) {
    try {
      const headers = { accept: "text/event-stream", ...authHeaders() };
      const response = await fetch(apiUrl("/events", { project }), { headers, signal });
      if (response.status === 401 || response.status === 403) return;
      // A project that does not exist yet may come: 404 is asked again like a server that is away.
      if (response.ok && response.body) {
        delay = FIRST_RETRY_MS;
        if (tries > 0) listener.onReconnect();
        await read(response.body, listener.onTraces);
      }
    } catch {
      // Server restarting or network gone: try again below.
    }
    if (signal.aborted) return;
    tries++;
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
    rest = takeEvents(rest + value, onTraces);
  }
}

/** Hands over the complete events of a piece of the stream and gives back what is left of it. */
export function takeEvents(text: string, onTraces: (ids: string[]) => void): string {
  const blocks = text.split(/\r?\n\r?\n/);
  const rest = blocks.pop() ?? "";
  for (const block of blocks) dispatch(block, onTraces);
  return rest;
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
