import type { ReactNode } from "react";
import { cx } from "@/lib/cx";
import { showTurns } from "@/lib/visible-text";
import styles from "./RoleCard.module.css";

interface Props {
  who: string;
  /** Stands for the role, where it can be changed. */
  choice?: ReactNode;
  /** Beside the role: a name, a mark. */
  note?: ReactNode;
  /** Right side of the head. */
  actions?: ReactNode;
  children: ReactNode;
}

const TONES: Record<string, string> = {
  user: styles.user,
  human: styles.user,
  assistant: styles.assistant,
  ai: styles.assistant,
  tool: styles.tool,
};

/** A message: who says it, and what. */
export function RoleCard({ who, choice, note, actions, children }: Props) {
  return (
    <article className={cx(styles.card, TONES[who])}>
      <header>
        {choice ?? <b>{showTurns(who)}</b>}
        {note}
        <span className="grow" />
        {actions}
      </header>
      <div className={styles.body}>{children}</div>
    </article>
  );
}
