//! What people paste to say which run they mean: a link of this server, or the ids with anything between them.

import { normaliseKey } from "@/lib/ids";

export interface RunAddress {
  project?: string;
  trace: string;
  /** Without one the trace's root is meant. */
  run?: string;
}

const ID = /^(?:[0-9a-f]{16}|[0-9a-f]{32})$/;
const id = (text: string | null | undefined): string | undefined => {
  const hex = (text ?? "").trim().toLowerCase().replaceAll("-", "");
  return ID.test(hex) ? normaliseKey(hex) : undefined;
};

/** The run that a text names, or nothing. */
export function parseRunAddress(text: string): RunAddress | null {
  return fromLink(text.trim()) ?? fromIds(text);
}

function fromLink(text: string): RunAddress | null {
  if (!URL.canParse(text, "http://here")) return null;
  const url = new URL(text, "http://here");
  const page = /\/p\/([^/]+)\/traces\/([^/]+)$/.exec(url.pathname);
  const short = /\/t\/([^/]+)(?:\/([^/]+))?$/.exec(url.pathname);
  const trace = id(page?.[2] ?? short?.[1]);
  if (!trace) return null;
  const run = id(url.searchParams.get("span") ?? short?.[2]);
  return { project: page ? decodeURIComponent(page[1]) : undefined, trace, run };
}

function fromIds(text: string): RunAddress | null {
  const [trace, run, ...more] = text
    .split(/[^0-9a-fA-F-]+/)
    .map(id)
    .filter((one) => one !== undefined);
  return trace === undefined || more.length > 0 ? null : { trace, run };
}
