//! One-line previews of the rows on screen, fetched in batches and kept for the life of the trace's version.

import { useEffect, useRef, useState } from "react";
import { fetchPreviews } from "@/lib/api/queries";
import type { Previews } from "@/lib/api/types";
import type { TraceModel } from "../model/types";

const BATCH = 200;
/** Scrolling past asks for nothing. */
const REST_MS = 80;

/** Previews known for the trace; asks for those of `rows[from..to)`. */
export function usePreviews(t: TraceModel, rows: Int32Array, from: number, to: number): Previews {
  const { trace_id, project, version } = t.skeleton;
  const name = `${trace_id} ${version}`;
  const [known, setKnown] = useState<{ name: string; previews: Previews }>({ name, previews: {} });
  const asked = useRef({ name, ids: new Set<string>() });
  useEffect(() => {
    if (asked.current.name !== name) asked.current = { name, ids: new Set() };
    const stop = new AbortController();
    const timer = setTimeout(() => {
      const { ids } = asked.current;
      const wanted: string[] = [];
      for (let r = from; r < to && wanted.length < BATCH; r++) {
        const s = t.run[rows[r]];
        if (s >= 0 && !ids.has(t.skeleton.runs.id[s])) wanted.push(t.skeleton.runs.id[s]);
      }
      if (wanted.length === 0) return;
      for (const id of wanted) ids.add(id);
      fetchPreviews(trace_id, project.name, wanted, stop.signal).then(
        (previews) =>
          setKnown((old) => ({ name, previews: { ...(old.name === name ? old.previews : {}), ...previews } })),
        // Rows read without previews; an answer that was dropped is asked for again.
        () => wanted.forEach((id) => ids.delete(id)),
      );
    }, REST_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [t, rows, from, to, name, trace_id, project.name]);
  // The texts of the version before are better than none while new ones travel.
  return known.previews;
}
