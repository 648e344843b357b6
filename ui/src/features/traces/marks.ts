//! Rows that are marked for doing something with all of them.

export interface Marks {
  keys: ReadonlySet<string>;
  /** Where a stretch begins that is marked with Shift. */
  anchor: string | null;
}

export const NO_MARKS: Marks = { keys: new Set(), anchor: null };

/** Marks a row, or takes its mark away. */
export function toggled({ keys }: Marks, key: string): Marks {
  const next = new Set(keys);
  if (!next.delete(key)) next.add(key);
  return { keys: next, anchor: key };
}

/** Marks everything from the anchor to a row, whatever lies between. Without an anchor in the list, only the row. */
export function extended({ keys, anchor }: Marks, order: readonly string[], key: string): Marks {
  const to = order.indexOf(key);
  const from = anchor === null ? to : order.indexOf(anchor);
  const [first, last] = from < 0 ? [to, to] : [Math.min(from, to), Math.max(from, to)];
  return { keys: new Set([...keys, ...order.slice(first, last + 1)]), anchor: from < 0 ? key : (anchor ?? key) };
}
