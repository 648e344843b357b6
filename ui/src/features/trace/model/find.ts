//! Find in trace: names, errors and models at once, over the dictionary and not over rows.

import type { TraceModel } from "./types";

/** Nodes that match, ascending. `also`: run ids that the server found in payloads. */
export function findNodes(t: TraceModel, text: string, also: readonly string[] = []): Int32Array {
  const needle = text.trim().toLowerCase();
  if (needle === "") return new Int32Array(0);
  const { dict, runs } = t.skeleton;
  const word = new Uint8Array(dict.length);
  for (let k = 0; k < dict.length; k++) if (dict[k].toLowerCase().includes(needle)) word[k] = 1;
  const hit = (index: number): boolean => index >= 0 && word[index] === 1;
  const extra = new Set(also);
  const out: number[] = [];
  for (let i = 0; i < t.n; i++) {
    const s = t.run[i];
    if (s < 0) continue;
    if (hit(runs.name[s]) || hit(runs.error[s]) || hit(runs.model[s]) || (extra.size > 0 && extra.has(runs.id[s])))
      out.push(i);
  }
  return Int32Array.from(out);
}

export function maskOf(t: TraceModel, nodes: Int32Array): Uint8Array {
  const mask = new Uint8Array(t.n);
  for (const i of nodes) mask[i] = 1;
  return mask;
}
