import { Dialog as Radix } from "radix-ui";
import type { CSSProperties, ReactNode } from "react";
import styles from "./Dialog.module.css";

interface Props {
  title: string;
  /** Hide the heading when the content says it; it stays the accessible name. */
  hideTitle?: boolean;
  width?: number;
  onClose: () => void;
  children: ReactNode;
}

/** A modal dialog. Mount it to open it. */
export function Dialog({ title, hideTitle, width, onClose, children }: Props) {
  return (
    <Radix.Root open onOpenChange={(open) => !open && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className={styles.overlay} />
        <Radix.Content
          className={styles.dialog}
          data-modal
          aria-describedby={undefined}
          style={width ? ({ "--width": `${width}px` } as CSSProperties) : undefined}
        >
          <Radix.Title className={hideTitle ? "sr" : undefined}>{title}</Radix.Title>
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
