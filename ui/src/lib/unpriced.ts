//! Why a call has no cost, in words.

import { showTurns } from "./visible-text";

/** The reasons are codes of the server; one that is not known is shown as it is. */
export function unpricedReason(code: string, model: string | null | undefined): string {
  const named = model ? `model ${showTurns(model)}` : "this model";
  switch (code) {
    case "no_model":
      return "the call names no model";
    case "unknown_model":
      return `no price for ${named}`;
    case "no_usage":
      return "no token counts were sent";
    case "no_price_at_time":
      return `no price for ${named} at that time`;
    default:
      return code;
  }
}

/** For a cell: a missing price can be added by somebody, missing token counts cannot. */
export const unpricedWord = (code: string | null): string =>
  code === "unknown_model" || code === "no_price_at_time" ? "no price" : "unknown";
