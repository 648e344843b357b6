//! What changed between two texts, by words.

/** A stretch of one text; `changed` is not in the other. */
export interface Piece {
  text: string;
  changed: boolean;
}

export interface WordDiff {
  left: Piece[];
  right: Piece[];
  same: boolean;
}

/** Beyond this many steps the texts have little in common: they are shown as replaced. */
const MAX_EDITS = 1_500;

/** Words, line ends, other white space, and single signs: scripts without spaces are compared sign by sign. */
const WORDS =
  /\n|[^\S\n]+|[\p{L}\p{N}_]+(?<![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}])|[^]/gu;

const wordsOf = (text: string): string[] => text.match(WORDS) ?? [];

export function diffWords(before: string, after: string): WordDiff {
  if (before === after) {
    const all = before === "" ? [] : [{ text: before, changed: false }];
    return { left: all, right: all, same: true };
  }
  const [a, b] = [wordsOf(before), wordsOf(after)];
  const kept = keptWords(a, b);
  return { left: pieces(a, kept.left), right: pieces(b, kept.right), same: false };
}

/** How much two texts have in common, 0 to 1. */
export function similarity(before: string, after: string): number {
  if (before === after) return 1;
  const [a, b] = [counts(before), counts(after)];
  let [common, all] = [0, 0];
  for (const [word, n] of a) common += Math.min(n, b.get(word) ?? 0);
  for (const n of a.values()) all += n;
  for (const n of b.values()) all += n;
  return all === 0 ? 0 : (2 * common) / all;
}

function counts(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const word of wordsOf(text)) if (word.trim() !== "") found.set(word, (found.get(word) ?? 0) + 1);
  return found;
}

/** Which words of both texts are in the longest common sequence, by Myers' algorithm. */
function keptWords(a: string[], b: string[]): { left: Uint8Array; right: Uint8Array } {
  const [left, right] = [new Uint8Array(a.length), new Uint8Array(b.length)];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) left[start] = right[start++] = 1;
  let [endA, endB] = [a.length, b.length];
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) left[--endA] = right[--endB] = 1;
  const [n, m] = [endA - start, endB - start];
  const offset = Math.min(n + m, MAX_EDITS) + 1;
  let furthest = new Int32Array(2 * offset + 1);
  const history: Int32Array[] = [];
  for (let d = 0; d < offset; d++) {
    history.push(furthest.slice());
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && furthest[offset + k - 1] < furthest[offset + k + 1]);
      let x = down ? furthest[offset + k + 1] : furthest[offset + k - 1] + 1;
      let y = x - k;
      while (x < n && y < m && a[start + x] === b[start + y]) {
        x++;
        y++;
      }
      furthest[offset + k] = x;
      if (x < n || y < m) continue;
      walkBack(history, offset, n, m, (i, j) => (left[start + i] = right[start + j] = 1));
      return { left, right };
    }
  }
  return { left, right };
}

function walkBack(
  history: Int32Array[],
  offset: number,
  n: number,
  m: number,
  keep: (i: number, j: number) => void,
): void {
  let [x, y] = [n, m];
  for (let d = history.length - 1; d >= 0; d--) {
    const furthest = history[d];
    const k = x - y;
    const down = k === -d || (k !== d && furthest[offset + k - 1] < furthest[offset + k + 1]);
    const from = d === 0 ? 0 : furthest[offset + (down ? k + 1 : k - 1)];
    const fromY = d === 0 ? 0 : from - (down ? k + 1 : k - 1);
    while (x > from && y > fromY) keep(--x, --y);
    [x, y] = [from, fromY];
  }
}

/** Neighbours of the same kind as one; white space between two changes belongs to them. */
function pieces(words: string[], kept: Uint8Array): Piece[] {
  const out: Piece[] = [];
  for (const [i, word] of words.entries()) {
    const between = kept[i] === 1 && /^[^\S\n]+$/.test(word) && kept[i - 1] === 0 && kept[i + 1] === 0;
    const changed = kept[i] === 0 || between;
    const last = out.at(-1);
    if (last && last.changed === changed) last.text += word;
    else out.push({ text: word, changed });
  }
  return out;
}

/** A stretch of two texts written as one. */
export interface InlinePiece {
  kind: "same" | "removed" | "added";
  text: string;
}

/** Both texts as one: within a change, what was removed comes before what was added. */
export function inlineDiff(before: string, after: string): InlinePiece[] {
  const [a, b] = [wordsOf(before), wordsOf(after)];
  const kept = keptWords(a, b);
  const out: InlinePiece[] = [];
  let [removed, added] = ["", ""];
  const flush = () => {
    if (removed !== "") out.push({ kind: "removed", text: removed });
    if (added !== "") out.push({ kind: "added", text: added });
    [removed, added] = ["", ""];
  };
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && kept.left[i] === 0) removed += a[i++];
    else if (j < b.length && kept.right[j] === 0) added += b[j++];
    else {
      const changes = removed !== "" || added !== "";
      const goesOn = (kept.left[i + 1] ?? 1) === 0 || (kept.right[j + 1] ?? 1) === 0;
      const word = a[i++];
      j++;
      if (changes && goesOn && /^[^\S\n]+$/.test(word)) {
        removed += word;
        added += word;
        continue;
      }
      flush();
      const last = out.at(-1);
      if (last?.kind === "same") last.text += word;
      else out.push({ kind: "same", text: word });
    }
  }
  flush();
  return out;
}

/** The pieces from shortly before the first change on, for places with room for little. */
export function fromFirstChange(all: InlinePiece[], room: number): InlinePiece[] {
  const [first, ...rest] = all;
  if (first?.kind !== "same" || rest.length === 0 || first.text.length <= room) return all;
  const cut = first.text.slice(-Math.floor(room / 2));
  return [{ kind: "same", text: `… ${cut.slice(cut.search(/\s/) + 1)}` }, ...rest];
}
