//! Find in trace: names and errors while typing, payloads on the server when asked.

import { useQuery } from "@tanstack/react-query";
import { useCallback, useMemo, useState } from "react";
import { traceSearchQuery } from "@/lib/api/queries";
import { findNodes, maskOf } from "../model/find";
import { lowerBound } from "../model/fold";
import type { TraceModel } from "../model/types";
import { type Url, useUrlEcho } from "./useUrl";

export interface Find {
  text: string;
  setText: (text: string) => void;
  deep: boolean;
  setDeep: (deep: boolean) => void;
  /** The server is looking through payloads. */
  searching: boolean;
  failed: unknown;
  /** Matching nodes, ascending. */
  nodes: Int32Array;
  mask: Uint8Array | null;
  /** Index of the first match at or after a node. */
  at: (node: number) => number;
  /** The match before or after a node, −1 when there is none. */
  step: (node: number, direction: 1 | -1) => number;
}

const NO_IDS: string[] = [];
/** Below this the server would find everything. */
const MIN_DEEP = 2;

export function useFind(model: TraceModel, search: { find?: string; deep?: true }, url: Url): Find {
  const [text, setLocal] = useState(search.find ?? "");
  useUrlEcho(
    url,
    "find",
    search.find,
    useCallback((value: string | undefined) => setLocal(value ?? ""), []),
  );
  const deep = search.deep === true;
  const { trace_id, project, version } = model.skeleton;
  const needle = text.trim();
  const asked = useQuery({
    ...traceSearchQuery(trace_id, project.name, needle, version),
    enabled: deep && needle.length >= MIN_DEEP && needle === (search.find ?? "").trim(),
  });
  const found = deep && asked.data ? asked.data : NO_IDS;
  const nodes = useMemo(() => findNodes(model, text, found), [model, text, found]);
  const mask = useMemo(() => (needle === "" ? null : maskOf(model, nodes)), [model, nodes, needle]);
  const at = useCallback((node: number) => lowerBound(nodes, nodes.length, node), [nodes]);
  return {
    text,
    setText: (value) => {
      setLocal(value);
      url.settle({ find: value || undefined });
    },
    deep,
    setDeep: (value) => url.set({ deep: value ? true : undefined }),
    searching: deep && asked.isFetching,
    failed: deep ? asked.error : null,
    nodes,
    mask,
    at,
    step: (node, direction) => {
      if (nodes.length === 0) return -1;
      let k = at(node);
      if (nodes[k] === node) k += direction;
      else if (direction < 0) k -= 1;
      return nodes[(k + nodes.length) % nodes.length];
    },
  };
}
