import { lazy, type ReactElement, type ReactNode } from "react";
import { Opener } from "./Opener";

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
export const Menu = ({ trigger, align, children }: MenuProps) => (
  <Opener trigger={trigger} opens="menu" load={load}>
    {(open, change) => (
      <MenuPanel trigger={trigger} align={align} open={open} onOpenChange={change}>
        {children}
      </MenuPanel>
    )}
  </Opener>
);
