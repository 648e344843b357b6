//! Users' words where not all of them would be seen: blanks only, or marks that turn the direction of what follows.

/** Embedded directions, overrides and isolates, and what ends them. */
const TURNING = /[\u202a-\u202e\u2066-\u2069]/g;
/** Nothing in it leaves a mark on the screen. */
const BLANK = /^[\s\u2800\p{Default_Ignorable_Code_Point}]*$/u;
const MAX_BLANKS = 8;

const escaped = (char: string): string => `\\u${char.codePointAt(0)?.toString(16).padStart(4, "0")}`;

/** With the marks that turn text round written out, so that nothing but the letters themselves decides the direction. */
export const showTurns = (text: string): string => text.replaceAll(TURNING, escaped);

/** A piece of a text: letters as they are, or a mark and how it is written out. */
export interface Piece {
  text: string;
  mark: string | null;
}

const AT_MARKS = /([\u202a-\u202e\u2066-\u2069])/;
/** More are written out without elements of their own. */
const MAX_MARKS = 1_000;

/** A text with the marks that turn it apart from the rest; null when it has none. */
export function piecesOf(text: string): Piece[] | null {
  if (!AT_MARKS.test(text)) return null;
  const all = text.split(AT_MARKS);
  const pieces = all
    .slice(0, MAX_MARKS * 2)
    .map((piece, at) => ({ text: piece, mark: at % 2 === 1 ? escaped(piece) : null }));
  const rest = showTurns(all.slice(MAX_MARKS * 2).join(""));
  return [...pieces, { text: rest, mark: null }].filter((piece) => piece.text !== "");
}

const isBlank = (text: string): boolean => BLANK.test(showTurns(text));

/** A name to be read; what filters and links take is the name itself. */
export const shownName = (name: string): string => (isBlank(name) ? "unnamed" : showTurns(name));

/** A value to be read, also when it is blank: `“␣”`. */
export function shownValue(value: string): string {
  if (!isBlank(value)) return showTurns(value);
  const chars = [...value];
  const marks = chars.slice(0, MAX_BLANKS).map((char) => (char === " " ? "␣" : escaped(char)));
  return `“${marks.join("")}${chars.length > MAX_BLANKS ? "…" : ""}”`;
}
