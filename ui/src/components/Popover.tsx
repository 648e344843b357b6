import { lazy, type ReactElement, type ReactNode } from "react";
import { Opener } from "./Opener";

const load = () => import("./PopoverPanel");
const Panel = lazy(load);

export interface PopoverProps {
  /** One button-like element. */
  trigger: ReactElement;
  label: string;
  align?: "start" | "end";
  open?: boolean;
  onOpenChange?: (open: boolean) => void;
  children: ReactNode;
}

/** A small panel under a button, with fields in it; for a list of actions take Menu. */
export const Popover = (props: PopoverProps) => (
  <Opener trigger={props.trigger} opens="dialog" load={load} open={props.open} onOpenChange={props.onOpenChange}>
    {(open, change) => <Panel {...props} open={open} onOpenChange={change} />}
  </Opener>
);
