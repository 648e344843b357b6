import { textParam } from "@/lib/url";

/** What the address of the mapping rules holds. */
export interface RulesSearch {
  /** Id of the rule that is open, or `new`. */
  rule?: string;
  /** The attribute that a new rule begins with. */
  attribute?: string;
  /** The run that rules are tried on. */
  trace?: string;
  run?: string;
}

export const NEW = "new";

export const validateRulesSearch = (search: Record<string, unknown>): RulesSearch => ({
  rule: textParam(search.rule),
  attribute: textParam(search.attribute),
  trace: textParam(search.trace),
  run: textParam(search.run),
});
