import type { ReactNode } from "react";
import { Keys } from "./Keys";
import styles from "./ListFooter.module.css";

/** Keys of a list and what they do: `[["j", "k"], "move"]`. */
export type Hint = readonly [names: readonly string[], does: string];

/** The foot of a list: what it adds up to, and its keys. */
export function ListFooter({ hints, children }: { hints: readonly Hint[]; children: ReactNode }) {
  return (
    <footer className={styles.footer} aria-label="Totals">
      {children}
      <span className="grow" />
      {hints.map(([names, does]) => (
        <span key={does} className={styles.keys}>
          {names.map((name) => (
            <Keys key={name} name={name} />
          ))}
          {does}
        </span>
      ))}
    </footer>
  );
}
