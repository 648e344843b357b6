import { lazy, type ReactElement, type ReactNode, Suspense, useState } from "react";
import { closedTrigger } from "./lazy-trigger";

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
export function Popover(props: PopoverProps) {
  const [own, setOwn] = useState(false);
  const open = props.open ?? own;
  const [used, setUsed] = useState(open);
  if (open && !used) setUsed(true);
  const change = (next: boolean) => {
    setOwn(next);
    props.onOpenChange?.(next);
  };
  const closed = closedTrigger(props.trigger, { opens: "dialog", load, onOpen: () => change(true) });
  if (!used) return closed;
  return (
    <Suspense fallback={closed}>
      <Panel {...props} open={open} onOpenChange={change} />
    </Suspense>
  );
}
