import { lazy, type ReactElement, type ReactNode, Suspense, useState } from "react";
import { closedTrigger } from "./lazy-trigger";

const load = () => import("./MenuPanel");
export const MenuPanel = lazy(async () => ({ default: (await load()).MenuPanel }));
export const MenuItem = lazy(async () => ({ default: (await load()).Item }));
export const MenuSeparator = lazy(async () => ({ default: (await load()).Separator }));

export interface ItemProps {
  icon?: ReactNode;
  hint?: ReactNode;
  onSelect?: () => void;
  children: ReactNode;
}

interface MenuProps {
  /** One button-like element; it gets the open state as data-state. */
  trigger: ReactElement;
  align?: "start" | "end";
  children: ReactNode;
}

/** A menu under a button, with the keyboard behaviour of menus. */
export function Menu({ trigger, align, children }: MenuProps) {
  const [open, setOpen] = useState<boolean | null>(null);
  const closed = closedTrigger(trigger, { opens: "menu", load, onOpen: () => setOpen(true) });
  if (open === null) return closed;
  return (
    <Suspense fallback={closed}>
      <MenuPanel trigger={trigger} align={align} open={open} onOpenChange={setOpen}>
        {children}
      </MenuPanel>
    </Suspense>
  );
}
