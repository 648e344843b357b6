import { useMemo } from "react";
import { cx } from "@/lib/cx";
import { diffWords, fromFirstChange, inlineDiff, type Piece } from "@/lib/word-diff";
import { SentText } from "./SentText";
import styles from "./WordDiff.module.css";

interface Props {
  before: string;
  after: string;
  /** Starts this many characters before the first change, where there is room for little. */
  room?: number;
}

/** One text with what was taken out and put in. */
export function WordDiff({ before, after, room }: Props) {
  const pieces = useMemo(() => {
    const all = inlineDiff(before, after);
    return room === undefined ? all : fromFirstChange(all, room);
  }, [before, after, room]);
  return (
    <span className={styles.diff}>
      {pieces.map((piece, index) => {
        // Pieces have no identity but their place.
        const Kind = piece.kind === "added" ? "ins" : piece.kind === "removed" ? "del" : "span";
        return (
          <Kind key={index}>
            <SentText text={piece.text} />
          </Kind>
        );
      })}
    </span>
  );
}

interface SideProps {
  before: string;
  after: string;
  /** What the two are called. */
  names: [string, string];
}

/** Two texts beside each other: what only the first has is marked in it, what only the second has in that. */
export function SideBySide({ before, after, names }: SideProps) {
  const { left, right } = useMemo(() => diffWords(before, after), [before, after]);
  return (
    <div className={styles.sides}>
      <Side name={names[0]} pieces={left} mark="del" />
      <Side name={names[1]} pieces={right} mark="ins" />
    </div>
  );
}

function Side({ name, pieces, mark: Mark }: { name: string; pieces: Piece[]; mark: "del" | "ins" }) {
  return (
    <figure className={styles.side}>
      <figcaption>{name}</figcaption>
      <div className={cx(styles.diff, styles.text)}>
        {pieces.length === 0 ? <span className={styles.none}>nothing</span> : null}
        {pieces.map(({ text, changed }, index) => {
          const Kind = changed ? Mark : "span";
          return (
            // Pieces have no identity but their place.
            <Kind key={index}>
              <SentText text={text} />
            </Kind>
          );
        })}
      </div>
    </figure>
  );
}
