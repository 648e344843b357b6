import { RotateCw, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { ApiError, messageOf } from "@/lib/api/client";
import { cx } from "@/lib/cx";
import { Button } from "./Button";
import { CopyButton } from "./CopyButton";
import styles from "./Notice.module.css";

interface EmptyProps {
  icon?: ReactNode;
  title: string;
  children?: ReactNode;
  actions?: ReactNode;
}

/** Says what would be here, why it is not, and one thing to do. */
export function EmptyState({ icon, title, children, actions }: EmptyProps) {
  return (
    <div className={styles.notice}>
      {icon ? <span className={styles.icon}>{icon}</span> : null}
      <h2>{title}</h2>
      {children}
      {actions ? <div className={styles.actions}>{actions}</div> : null}
    </div>
  );
}

/** What failed, in the server's words, with a way on. */
export function ErrorState({ title, error, onRetry }: { title: string; error: unknown; onRetry?: () => void }) {
  const message = messageOf(error);
  const request = error instanceof ApiError ? error.requestId : null;
  return (
    <div className={styles.notice} role="alert">
      <span className={cx(styles.icon, styles.bad)}>
        <TriangleAlert size={22} aria-hidden />
      </span>
      <h2>{title}</h2>
      <p>{message}</p>
      {request ? <p className={cx(styles.small, "mono")}>request {request}</p> : null}
      <div className={styles.actions}>
        {onRetry ? (
          <Button icon={<RotateCw size={13} aria-hidden />} onClick={onRetry}>
            Retry
          </Button>
        ) : null}
        <CopyButton
          text={() => [title, message, request && `request ${request}`].filter(Boolean).join("\n")}
          label="Copy details"
          showLabel
        />
      </div>
    </div>
  );
}
