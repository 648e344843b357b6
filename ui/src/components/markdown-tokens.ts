//! Markdown as tokens, with maths; what was read lately is not read again.

import { Marked, type Token, type Tokens } from "marked";

export interface MathToken extends Tokens.Generic {
  text: string;
}

const marked = new Marked({
  gfm: true,
  extensions: [
    {
      name: "mathBlock",
      level: "block",
      start: (src: string) => src.indexOf("$$"),
      tokenizer(src: string) {
        const match = /^\$\$([\s\S]+?)\$\$(?:\n|$)/.exec(src);
        return match ? { type: "mathBlock", raw: match[0], text: match[1].trim() } : undefined;
      },
    },
    {
      name: "mathInline",
      level: "inline",
      start: (src: string) => src.indexOf("$"),
      tokenizer(src: string) {
        // Prices are more common than formulas: `$5 and $6` is none. A backslash, power or index is asked for.
        const match = /^\$(?![\s\d])((?:\\.|[^$\\\n])+?)\$(?!\d)/.exec(src);
        return match ? { type: "mathInline", raw: match[0], text: match[1] } : undefined;
      },
    },
  ],
});

/** Texts come and go with what is on screen: the last ones are not read again. */
const READ_TEXTS = 200;
/** A longer text would keep too much, and is rare. */
const READ_CHARS = 10_000;
const read = new Map<string, Token[]>();

/** The same tokens for the same text: nobody may change them. */
export function tokensOf(text: string): Token[] {
  const tokens = read.get(text) ?? marked.lexer(text);
  if (text.length > READ_CHARS) return tokens;
  // Maps keep their order: the first one is the one that was not used for the longest time.
  read.delete(text);
  read.set(text, tokens);
  if (read.size > READ_TEXTS) read.delete(read.keys().next().value!);
  return tokens;
}
