import { Popover as Radix } from "radix-ui";
import type { PopoverProps } from "./Popover";
import styles from "./PopoverPanel.module.css";

export default function PopoverPanel({
  trigger,
  label,
  align = "start",
  open,
  onOpenChange,
  children,
}: PopoverProps & Required<Pick<PopoverProps, "open" | "onOpenChange">>) {
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          className={styles.popover}
          align={align}
          sideOffset={4}
          collisionPadding={8}
          aria-label={label}
          data-modal
        >
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
