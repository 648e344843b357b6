//! What the server says about where a run comes from, and which runs are aside. Servers of before did not say it.

import type { Run, SkeletonColumns } from "./types";

/** Beside the fields of a run: which attribute filled each, and what repeats it. */
export type RunOrigin = Pick<Run, "sources" | "double_of" | "doubles" | "is_transport">;

export const originOf = (run: Run | undefined): RunOrigin => run ?? {};

export type AsideColumns = Pick<SkeletonColumns, "double_of" | "transport">;

export const asideColumns = (runs: SkeletonColumns): AsideColumns => runs;
