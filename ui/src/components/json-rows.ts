//! The visible rows of a JSON value: rows exist only for what is open.

import { BigNumber } from "@/lib/api/json";

export interface JsonRow {
  key: string | null;
  value: unknown;
  depth: number;
  /** JSON pointer. */
  path: string;
  /** Entries of a container, −1 for a leaf. */
  entries: number;
  open: boolean;
}

/** What the reader opened or closed by hand; everything else follows the rule. */
export type OpenState = ReadonlyMap<string, boolean>;

const OPEN_DEPTH = 2;
const OPEN_ENTRIES = 40;

const isContainer = (value: unknown): value is object =>
  value !== null && typeof value === "object" && !(value instanceof BigNumber);

/** Small things near the top are open from the start. */
const opensByItself = (depth: number, entries: number): boolean =>
  depth === 0 || (depth < OPEN_DEPTH && entries <= OPEN_ENTRIES);

export function jsonRows(data: unknown, open: OpenState): JsonRow[] {
  const out: JsonRow[] = [];
  const visit = (key: string | null, value: unknown, depth: number, path: string): void => {
    if (!isContainer(value)) {
      out.push({ key, value, depth, path, entries: -1, open: false });
      return;
    }
    const keys = Object.keys(value);
    const isOpen = keys.length > 0 && (open.get(path) ?? opensByItself(depth, keys.length));
    out.push({ key, value, depth, path, entries: keys.length, open: isOpen });
    if (!isOpen) return;
    for (const name of keys)
      visit(name, (value as Record<string, unknown>)[name], depth + 1, `${path}/${escapePointer(name)}`);
  };
  visit(null, data, 0, "");
  return out;
}

/** RFC 6901. */
export const escapePointer = (name: string): string => name.replaceAll("~", "~0").replaceAll("/", "~1");

/** Opens every container on the way to a pointer. */
export function openTo(pointer: string, open: OpenState): OpenState {
  const next = new Map(open);
  for (let at = pointer.lastIndexOf("/"); at >= 0; at = at === 0 ? -1 : pointer.lastIndexOf("/", at - 1))
    next.set(pointer.slice(0, at), true);
  return next;
}

/** `/a/0/b` as jq reads it: `.a[0].b`. */
export function jqPath(pointer: string): string {
  const steps = pointer
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  const path = steps.map((step) => {
    if (/^\d+$/.test(step)) return `[${step}]`;
    return /^[A-Za-z_]\w*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
  });
  const text = path.join("");
  return text.startsWith(".") ? text : `.${text}`;
}
