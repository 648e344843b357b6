//! One registry for what a page can do: the key handler, the command menu and the key help all read it.

import { useEffect, useId, useRef } from "react";
import { createStore } from "./store";

export interface Command {
  id: string;
  title: string;
  /** Keys that run it: `j`, `E` (shift is in the letter), `Shift+ArrowLeft`, `Mod+k`, `Alt+1`, `g t` (one after the other). */
  keys?: string[];
  /** Heading in the command menu and the key help. */
  group: string;
  run: () => void;
  /** Not in the command menu: cursor movements, for example. */
  keysOnly?: boolean;
  /** Also acts while a text field has the focus. */
  inFields?: boolean;
  /** Where it is not wanted now, the key does what the browser does with it. */
  when?: () => boolean;
}

/** Registered lists; later ones win when keys meet (a page over the frame). */
export const registry = createStore<ReadonlyMap<string, () => Command[]>>(new Map());

/** Registers the commands of a component for as long as it is mounted. Runs always see the newest closure. */
export function useCommands(commands: Command[]): void {
  const id = useId();
  const holder = useHolder(commands);
  useEffect(() => {
    registry.set(new Map(registry.get()).set(id, () => holder.current));
    return () => {
      const rest = new Map(registry.get());
      rest.delete(id);
      registry.set(rest);
    };
  }, [id, holder]);
}

export const allCommands = (): Command[] => [...registry.get().values()].toReversed().flatMap((list) => list());

function useHolder<T>(value: T): { current: T } {
  const holder = useRef(value);
  useEffect(() => {
    holder.current = value;
  });
  return holder;
}
