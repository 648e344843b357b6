import { flagParam, textParam } from "@/lib/url";

/** What the address of the list of threads holds. */
export interface ThreadsSearch {
  /** Words that a turn says, or the id of a thread. */
  q?: string;
  t?: string;
  user?: string;
  /** Only threads in which a turn failed. */
  failed?: true;
}

export const validateThreadsSearch = (search: Record<string, unknown>): ThreadsSearch => ({
  q: textParam(search.q),
  t: textParam(search.t),
  user: textParam(search.user),
  failed: flagParam(search.failed),
});

/** What the address of one thread holds. */
export interface ThreadSearch {
  /** Trace id of the selected turn; the last one otherwise. */
  turn?: string;
  /** Tool calls are written out. */
  tools?: true;
}

export const validateThreadSearch = (search: Record<string, unknown>): ThreadSearch => ({
  turn: textParam(search.turn),
  tools: flagParam(search.tools),
});

/** Browsers and routers take these out of a path, or look for something else. */
const LOST_IN_PATHS = /^\.{1,2}$|^\s|\s$|^~/;

/** A thread id as a part of a path: any text, also `..` and blanks. */
export const threadInPath = (id: string): string =>
  LOST_IN_PATHS.test(id) ? `~${encodeURIComponent(id).replaceAll(".", "%2E")}` : id;

/** The id that `threadInPath` wrote; a link that somebody else wrote holds the id itself. */
export function threadFromPath(part: string): string {
  if (!part.startsWith("~")) return part;
  try {
    const id = decodeURIComponent(part.slice(1));
    return threadInPath(id) === part ? id : part;
  } catch {
    return part;
  }
}
