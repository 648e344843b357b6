import { ContextMenu as Radix } from "radix-ui";
import type { MouseEvent, ReactElement, ReactNode } from "react";
import styles from "./Menu.module.css";

interface Props {
  /** One element; a right click inside it, or the menu key on it, opens the menu. */
  trigger: ReactElement;
  /** Says what was clicked. Call preventDefault to leave the browser's own menu alone. */
  onOpen?: (event: MouseEvent<HTMLElement>) => void;
  children: ReactNode;
}

export function ContextMenu({ trigger, onOpen, children }: Props) {
  return (
    <Radix.Root modal={false}>
      <Radix.Trigger asChild onContextMenu={onOpen}>
        {trigger}
      </Radix.Trigger>
      <Radix.Portal>
        <Radix.Content className={styles.menu} collisionPadding={8} loop>
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

interface ItemProps {
  icon?: ReactNode;
  hint?: ReactNode;
  onSelect: () => void;
  children: ReactNode;
}

export function ContextMenuItem({ icon, hint, onSelect, children }: ItemProps) {
  return (
    <Radix.Item className={styles.item} onSelect={onSelect}>
      {icon}
      <span className="ellipsis">{children}</span>
      {hint === undefined ? null : <span className={styles.hint}>{hint}</span>}
    </Radix.Item>
  );
}

export const ContextMenuSeparator = () => <Radix.Separator className={styles.separator} />;
