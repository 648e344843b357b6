import { DropdownMenu as Radix } from "radix-ui";
import type { ReactElement, ReactNode } from "react";
import type { ItemProps } from "./Menu";
import styles from "./MenuPanel.module.css";

interface Props {
  trigger: ReactElement;
  align?: "start" | "end";
  open: boolean;
  onOpenChange: (open: boolean) => void;
  /** Takes the focus when the menu closes; without it the trigger does. */
  focusAfter?: HTMLElement | null;
  children: ReactNode;
}

export function MenuPanel({ trigger, align = "start", open, onOpenChange, focusAfter, children }: Props) {
  const onCloseAutoFocus = (event: Event) => {
    if (focusAfter === undefined) return;
    event.preventDefault();
    focusAfter?.focus({ preventScroll: true });
  };
  return (
    <Radix.Root modal={false} open={open} onOpenChange={onOpenChange}>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          className={styles.menu}
          align={align}
          sideOffset={4}
          collisionPadding={8}
          loop
          onCloseAutoFocus={onCloseAutoFocus}
        >
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

export function Item({ icon, hint, onSelect, children }: ItemProps) {
  return (
    <Radix.Item className={styles.item} onSelect={onSelect}>
      {icon}
      <span className="ellipsis">{children}</span>
      {hint === undefined ? null : <span className={styles.hint}>{hint}</span>}
    </Radix.Item>
  );
}

export const Separator = () => <Radix.Separator className={styles.separator} />;
