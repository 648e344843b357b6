import { cloneElement, type HTMLAttributes, type KeyboardEvent, type ReactElement } from "react";

interface Closed {
  opens: "menu" | "dialog";
  /** Fetches the code of what opens. */
  load: () => Promise<unknown>;
  onOpen: () => void;
}

/**
 * The button of a menu or a popover that was not opened yet. What opens is much code for one button, so it is
 * fetched when the button is pointed at or focused, and takes the button over when it is used.
 */
export function closedTrigger(trigger: ReactElement, { opens, load, onOpen }: Closed): ReactElement {
  // A failure shows when it is opened.
  const warm = () => void load().catch(() => undefined);
  const props: HTMLAttributes<HTMLElement> = {
    "aria-haspopup": opens,
    "aria-expanded": false,
    onPointerEnter: warm,
    onFocus: warm,
    onClick: onOpen,
  };
  if (opens === "menu")
    props.onKeyDown = (event: KeyboardEvent) => {
      if (event.key !== "ArrowDown") return;
      event.preventDefault();
      onOpen();
    };
  return cloneElement(trigger, props);
}
