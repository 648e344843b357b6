import { Dialog as Radix } from "radix-ui";
import type { CSSProperties } from "react";
import type { DialogProps } from "./Dialog";
import styles from "./DialogBody.module.css";

export default function DialogBody({ title, hideTitle, width, onClose, children }: DialogProps) {
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
