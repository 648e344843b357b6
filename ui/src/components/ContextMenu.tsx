import { cloneElement, type MouseEvent, type ReactElement, type ReactNode, Suspense, useState } from "react";
import { MenuPanel } from "./Menu";

interface Props {
  /** One element; a right click inside it, or the menu key on it, opens the menu. */
  trigger: ReactElement<{ onContextMenu?: (event: MouseEvent<HTMLElement>) => void }>;
  /** Says what was clicked. Call preventDefault to leave the menu closed. */
  onOpen?: (event: MouseEvent<HTMLElement>) => void;
  /** MenuItem, MenuSeparator. */
  children: ReactNode;
}

interface Place {
  x: number;
  y: number;
  /** Each opening is a menu of its own. */
  nth: number;
  /** Had the focus before, and gets it back. */
  focus: HTMLElement | null;
}

/** A menu where one clicked. */
export function ContextMenu({ trigger, onOpen, children }: Props) {
  const [place, setPlace] = useState<Place | null>(null);
  const onContextMenu = (event: MouseEvent<HTMLElement>) => {
    onOpen?.(event);
    if (event.defaultPrevented) return;
    event.preventDefault();
    const focus = place?.focus ?? (document.activeElement as HTMLElement | null);
    setPlace({ x: event.clientX, y: event.clientY, nth: (place?.nth ?? 0) + 1, focus });
  };
  return (
    <>
      {cloneElement(trigger, { onContextMenu })}
      {place === null ? null : (
        <Suspense>
          <MenuPanel
            key={place.nth}
            open
            onOpenChange={(open) => !open && setPlace(null)}
            focusAfter={place.focus}
            trigger={<span aria-hidden style={{ position: "fixed", left: place.x, top: place.y }} />}
          >
            {children}
          </MenuPanel>
        </Suspense>
      )}
    </>
  );
}
