//! A finding on a card: what it is about, what happened, and one number.

import type { Finding } from "@/lib/api/types";
import { formatCost, formatDuration, formatTokens } from "@/lib/format";
import { showTurns } from "@/lib/visible-text";
import { errorOf, nameOf, type TraceModel } from "../model/types";

export interface CardText {
  head: string;
  rest: string;
  weight: string | null;
}

/** Rules with numbers are composed to fit a card; any other sentence is split where it allows. */
export function cardText(finding: Finding, t: TraceModel, node: number): CardText {
  const text = showTurns(finding.text);
  const [head, rest] = splitSentence(text);
  if (node < 0) return { head, rest, weight: null };
  const name = nameOf(t, node);
  const number = (key: string): number | null => {
    const value = finding.numbers[key];
    return typeof value === "number" ? value : null;
  };
  switch (finding.rule) {
    case "where_it_broke":
      return { head: name, rest: errorOf(t, node) ?? rest, weight: `at ${formatDuration(t.end[node])}` };
    case "slow_recovery": {
      const tries = number("attempts");
      const lost = number("lost_us") ?? t.end[node] - t.start[node];
      const outcome = finding.numbers.recovered === true ? "the last one worked" : "none worked";
      return tries === null
        ? { head, rest, weight: formatDuration(lost) }
        : { head: `${name}: ${tries} tries`, rest: outcome, weight: formatDuration(lost) };
    }
    case "context_growth": {
      const [from, to] = [number("first_tokens"), number("max_tokens")];
      if (from === null || to === null || from === 0) return { head, rest, weight: null };
      const calls = number("calls");
      const cached = number("cached_percent");
      const parts = [calls === null ? null : `${calls} calls`, cached === null ? null : `${cached}% from cache`, name];
      return {
        head: `Input grew ${formatTokens(from)} → ${formatTokens(to)} tokens`,
        rest: parts.filter(Boolean).join(", "),
        weight: `${Math.round(to / from)}×`,
      };
    }
    case "why_it_cost":
    case "cache_miss":
      return { head, rest, weight: Number.isNaN(t.cost[node]) ? null : formatCost(t.cost[node]) };
    case "slow_first_token":
      return { ...byName(text, name), weight: formatDuration(number("wait_us")) };
    case "loop":
      return { head, rest, weight: number("calls") === null ? null : `${number("calls")}×` };
    default:
      return { head, rest, weight: null };
  }
}

/** A sentence that begins with the span's name: the name, then the rest. */
function byName(text: string, name: string): { head: string; rest: string } {
  return text.startsWith(`${name} `) ? { head: name, rest: text.slice(name.length + 1) } : { head: text, rest: "" };
}

const LONGEST_HEAD = 70;

/** The first clause of a sentence as its headline. */
export function splitSentence(text: string): [head: string, rest: string] {
  const at = /;\s|:\s|\s—\s|\.\s|,\s/.exec(text);
  if (!at || at.index > LONGEST_HEAD) return [text, ""];
  return [text.slice(0, at.index), text.slice(at.index + at[0].length)];
}
