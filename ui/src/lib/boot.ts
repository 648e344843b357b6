//! What the server writes into index.html: the base path and the boot data.

import type { Info } from "./api/types";

/** Address of a path below the base path, e.g. `baseUrl("api/clearspan/v1/info")`. */
export const baseUrl = (path: string): URL => new URL(path, document.baseURI);

/** Boot data saves the first request. `null` in development and when the server sends none. */
function readBoot(): Info | null {
  const text = document.getElementById("boot")?.textContent;
  if (!text) return null;
  try {
    return JSON.parse(text) as Info | null;
  } catch {
    return null;
  }
}

export const boot: Info | null = typeof document === "undefined" ? null : readBoot();
