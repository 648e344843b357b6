import { DropdownMenu } from "radix-ui";
import type { ReactElement, ReactNode } from "react";
import styles from "./Menu.module.css";

interface MenuProps {
  /** One button-like element; it gets the open state as data-state. */
  trigger: ReactElement;
  align?: "start" | "end";
  defaultOpen?: boolean;
  children: ReactNode;
}

/** A menu under a button, with the keyboard behaviour of menus. */
export function Menu({ trigger, align = "start", defaultOpen, children }: MenuProps) {
  return (
    <DropdownMenu.Root modal={false} defaultOpen={defaultOpen}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className={styles.menu} align={align} sideOffset={4} collisionPadding={8} loop>
          {children}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

interface ItemProps {
  icon?: ReactNode;
  hint?: ReactNode;
  onSelect?: () => void;
  children: ReactNode;
}

export function MenuItem({ icon, hint, onSelect, children }: ItemProps) {
  return (
    <DropdownMenu.Item className={styles.item} onSelect={onSelect}>
      {icon}
      <span className="ellipsis">{children}</span>
      {hint === undefined ? null : <span className={styles.hint}>{hint}</span>}
    </DropdownMenu.Item>
  );
}

export const MenuSeparator = () => <DropdownMenu.Separator className={styles.separator} />;
