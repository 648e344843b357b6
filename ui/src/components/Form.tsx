import type { ReactNode } from "react";
import { messageOf } from "@/lib/api/client";
import { Button } from "./Button";
import styles from "./Form.module.css";

interface EndProps {
  /** What was refused; null or undefined while nothing was. */
  error: unknown;
  onCancel: () => void;
  disabled: boolean;
  /** The words of the button that sends the form. */
  children: ReactNode;
}

/** The end of a form: what went wrong, Cancel, and the button that sends it. */
export function FormEnd({ error, onCancel, disabled, children }: EndProps) {
  return (
    <>
      {error ? (
        <p className={styles.bad} role="alert">
          {typeof error === "string" ? error : messageOf(error)}
        </p>
      ) : null}
      <div className={styles.answers}>
        <Button onClick={onCancel}>Cancel</Button>
        <Button look="primary" type="submit" disabled={disabled}>
          {children}
        </Button>
      </div>
    </>
  );
}
