import {
  cloneElement,
  type HTMLAttributes,
  type KeyboardEvent,
  type ReactElement,
  type ReactNode,
  Suspense,
  useState,
} from "react";

interface Props {
  /** One button-like element. */
  trigger: ReactElement;
  opens: "menu" | "dialog";
  /** Fetches the code of what opens. */
  load: () => Promise<unknown>;
  /** For who holds the state; otherwise it is kept here. */
  open?: boolean;
  onOpenChange?: (open: boolean) => void;
  /** What opens, with its trigger; made from the first opening on. */
  children: (open: boolean, change: (open: boolean) => void) => ReactNode;
}

/**
 * The button of a menu or a popover. What opens is much code for one button, so it is fetched when the button is
 * pointed at or focused, and takes the button over when it is used for the first time.
 */
export function Opener({ trigger, opens, load, open: given, onOpenChange, children }: Props) {
  const [own, setOwn] = useState(false);
  const open = given ?? own;
  const [used, setUsed] = useState(open);
  if (open && !used) setUsed(true);
  const change = (next: boolean) => {
    setOwn(next);
    onOpenChange?.(next);
  };
  const closed = closedTrigger(trigger, { opens, load, onOpen: () => change(true) });
  return used ? <Suspense fallback={closed}>{children(open, change)}</Suspense> : closed;
}

function closedTrigger(
  trigger: ReactElement,
  { opens, load, onOpen }: Pick<Props, "opens" | "load"> & { onOpen: () => void },
): ReactElement {
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
