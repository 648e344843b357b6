import styles from "./Grid.module.css";
import type { Direction } from "./model";
import { deltaText } from "./verdict";

/** How a score moved: its own sign, in the colour of what that means. Nothing when it did not. */
export function Delta({ by, direction }: { by: number | null; direction: Direction }) {
  if (by === null || Math.abs(by) < 1e-9) return null;
  return (
    <span className={by > 0 ? styles.up : styles.down} title={by > 0 ? "better" : "worse"}>
      {deltaText(by * direction)}
      <span className="sr">{by > 0 ? " better" : " worse"}</span>
    </span>
  );
}
