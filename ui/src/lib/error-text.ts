//! How the error of a run reads: what kind it is, and what it says.

/** `ToolError: fx.convert timed out`, `openai.RateLimitError: 429 …`. */
const NAMED = /^([A-Za-z_][\w.]*(?:Error|Exception|Failed|Timeout|Warning|Interrupt)?):\s+([\s\S]*)$/;

export interface ErrorText {
  title: string;
  /** Empty when the title says everything. */
  rest: string;
}

/** Its kind once, above what it says: instrumentations often write it into the text, too. */
export function errorText(text: string, type: string | null | undefined): ErrorText {
  const [, named, said] = NAMED.exec(text) ?? [];
  const title = type || named || "Error";
  const rest = named !== undefined && isSameKind(named, title) ? said : text;
  return { title, rest: rest === title ? "" : rest };
}

/** One of the two may say which module it is from. */
const isSameKind = (a: string, b: string): boolean => a === b || a.endsWith(`.${b}`) || b.endsWith(`.${a}`);
