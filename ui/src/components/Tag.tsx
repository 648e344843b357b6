import { TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { cx } from "@/lib/cx";
import type { Status } from "@/lib/api/types";
import styles from "./Tag.module.css";

type Tone = "err" | "warn" | "money";

/** A small word beside a name: `×160`, `try 2`, `5 err`. */
export function Tag({ tone, title, children }: { tone?: Tone; title?: string; children: ReactNode }) {
  return (
    <span className={cx(styles.tag, tone && styles[tone])} title={title}>
      {children}
    </span>
  );
}

export function Pill({ tone, children }: { tone?: "err" | "warn"; children: ReactNode }) {
  return <span className={cx(styles.pill, tone && styles[tone])}>{children}</span>;
}

/** Only what is not fine is marked: success has neither colour nor word. */
export function StatusPill({ status }: { status: Status }) {
  if (status === "error")
    return (
      <Pill tone="err">
        <TriangleAlert size={11} aria-hidden />
        Failed
      </Pill>
    );
  if (status === "pending")
    return (
      <Pill>
        <RunningDot />
        Running
      </Pill>
    );
  return null;
}

export const RunningDot = () => <span className={styles.dot} aria-hidden />;
