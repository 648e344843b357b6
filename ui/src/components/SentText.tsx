import { piecesOf } from "@/lib/visible-text";
import styles from "./SentText.module.css";

/**
 * Text as it was sent. Marks that turn the direction of what follows are seen, and turn nothing; what is selected and
 * copied has them still.
 */
export function SentText({ text }: { text: string }) {
  const pieces = piecesOf(text);
  if (pieces === null) return text;
  return pieces.map((piece, index) =>
    piece.mark === null ? (
      piece.text
    ) : (
      // Pieces have no identity but their place.
      <span key={index} className={styles.mark} data-mark={piece.mark}>
        {piece.text}
      </span>
    ),
  );
}
