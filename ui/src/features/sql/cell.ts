//! A value of an answer as one line of text.

import { showTurns } from "@/lib/visible-text";

/** Long values are cut on screen; copying and CSV have them whole. */
const SHOWN_CHARS = 200;

export function cellText(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

export function shownText(value: unknown): string {
  const text = showTurns(cellText(value));
  return text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text;
}

const NUMBERS = /^(bigint|unsigned bigint|integer|double|real|decimal)/;

export const isNumber = (type: string): boolean => NUMBERS.test(type);

/** A statement to begin with: what the project costs, by model. */
export const example = (project: string): string =>
  `select model, count(*) as calls, sum(total_cost) as dollars, sum(total_tokens) as tokens
from runs
where project = '${project.replaceAll("'", "''")}' and run_type = 'llm' and cost_billed
  and start_time > now() - interval '7 days'
group by model
order by dollars desc nulls last`;
