import type { ButtonHTMLAttributes, ReactNode } from "react";
import { cx } from "@/lib/cx";
import { showTurns } from "@/lib/visible-text";
import styles from "./Button.module.css";

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  /** `primary`: at most one on a page. `ghost`: no border until hovered. */
  look?: "plain" | "ghost" | "primary";
  /** A toggle: true or false sets aria-pressed. */
  pressed?: boolean;
  icon?: ReactNode;
}

export function Button({ look = "plain", pressed, icon, className, children, ...rest }: Props) {
  return (
    <button
      type="button"
      aria-pressed={pressed}
      className={cx(styles.btn, look !== "plain" && styles[look], className)}
      {...rest}
    >
      {icon}
      {children}
    </button>
  );
}

interface IconProps extends Omit<Props, "icon" | "children" | "title"> {
  /** Names the button for everybody: hover text and accessible name. */
  label: string;
  /** Shown after the label in the hover text, e.g. `⇧J`. */
  keyHint?: string;
  children: ReactNode;
}

export function IconButton({ label, keyHint, look = "ghost", className, children, ...rest }: IconProps) {
  const shown = showTurns(label);
  return (
    <Button
      look={look}
      className={cx(styles.icon, className)}
      aria-label={shown}
      title={keyHint ? `${shown}  ${keyHint}` : shown}
      {...rest}
    >
      {children}
    </Button>
  );
}
