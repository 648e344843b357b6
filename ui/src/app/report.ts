//! What error boundaries caught, in the console.

import type { ErrorInfo } from "react";
import { ApiError } from "@/lib/api/client";

/** That a key is wanted is no failure: the key form says it. */
export function reportCaught(error: unknown, { componentStack }: ErrorInfo): void {
  if (error instanceof ApiError && error.status === 401) return;
  // oxlint-disable-next-line no-console -- in place of what React does by itself
  console.error(error, componentStack ?? "");
}
