//! What the server adds about where a run comes from. Written by hand until docs/openapi.json has it; then these
//! members move to types.ts.

import type { Run, SkeletonColumns } from "./types";

/** Beside the fields of a run: which attribute filled each, and what repeats it. */
export interface RunOrigin {
  /** Field → source, as `gen_ai.request.model`, `span:name` or `rule:<name>:<attribute>`. */
  sources?: Record<string, string>;
  /** The run that counts, when this one reports the same call once more. */
  double_of?: string | null;
  /** Runs that report the call of this one again. */
  doubles?: string[];
  is_transport?: boolean;
}

export const originOf = (run: Run | undefined): RunOrigin => (run as (Run & RunOrigin) | undefined) ?? {};

export interface AsideColumns {
  /** Row of the run that counts, −1 for runs that count themselves. */
  double_of?: number[];
  /** 1 for HTTP and gRPC calls. */
  transport?: number[];
}

export const asideColumns = (runs: SkeletonColumns): AsideColumns => runs as SkeletonColumns & AsideColumns;
