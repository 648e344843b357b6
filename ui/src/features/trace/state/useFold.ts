//! Which nodes are folded. The mask is copied on change: 100,000 bytes cost nothing, and nothing mutates.

import { useCallback, useMemo, useState } from "react";
import { carryFold, defaultFold, type FoldAll, foldAll, isOpen, reveal, toggleAsides, toggleFold } from "../model/fold";
import type { TraceModel } from "../model/types";

export interface Fold {
  folded: Uint8Array;
  /** Whether what is below a node is shown. */
  isOpen: (i: number) => boolean;
  toggle: (i: number) => void;
  /** Doubles and transport of a node. */
  toggleAsides: (i: number) => void;
  revealNode: (i: number) => void;
  all: (how: FoldAll) => void;
}

export function useFold(model: TraceModel, selected: number, transport: boolean): Fold {
  const [state, setState] = useState(() => {
    const folded = defaultFold(model);
    reveal(model, folded, selected);
    return { model, folded };
  });
  // A running trace brings a new model: keep what the reader opened.
  const current = state.model === model ? state : { model, folded: carryFold(state.model, state.folded, model) };
  if (current !== state) setState(current);

  const change = useCallback(
    (edit: (folded: Uint8Array) => boolean | void) =>
      setState((old) => {
        const folded = old.folded.slice();
        return edit(folded) === false ? old : { model: old.model, folded };
      }),
    [],
  );
  const toggle = useCallback(
    (i: number) => change((folded) => toggleFold(model, folded, i, transport)),
    [change, model, transport],
  );
  const asides = useCallback((i: number) => change((folded) => toggleAsides(model, folded, i)), [change, model]);
  const revealNode = useCallback((i: number) => change((folded) => reveal(model, folded, i)), [change, model]);
  const all = useCallback((how: FoldAll) => change((folded) => foldAll(model, folded, how)), [change, model]);
  const { folded } = current;
  return useMemo(
    () => ({
      folded,
      isOpen: (i) => isOpen(model, folded, i, transport),
      toggle,
      toggleAsides: asides,
      revealNode,
      all,
    }),
    [model, folded, transport, toggle, asides, revealNode, all],
  );
}
