//! The zoom window of each axis.

import { useCallback, useState } from "react";
import type { Axis } from "@/lib/api/types";
import { amountOn, axisMax, clampWindow, parseWindow, printWindow, startOn, type Window } from "../model/axis";
import type { TraceModel } from "../model/types";
import { type Url, useUrlEcho } from "./useUrl";

export interface Zoom {
  window: Window;
  max: number;
  zoomed: boolean;
  zoomTo: (window: Window) => void;
  zoomToNode: (i: number, padding?: number) => void;
  zoomBy: (factor: number) => void;
  pan: (share: number) => void;
  reset: () => void;
  /** Also switches the axis: what a finding does. */
  showNode: (axis: Axis, i: number) => void;
}

export function useZoom(model: TraceModel, axis: Axis, fromUrl: string | undefined, url: Url): Zoom {
  const max = axisMax(model, axis);
  // Kept as text per axis: a trace that still runs keeps "everything" as everything.
  const [texts, setTexts] = useState<Partial<Record<Axis, string>>>({ [axis]: fromUrl });
  useUrlEcho(
    url,
    "win",
    fromUrl,
    useCallback((text: string | undefined) => setTexts((old) => ({ ...old, [axis]: text })), [axis]),
  );
  const window = parseWindow(texts[axis], max);
  const write = useCallback(
    (on: Axis, next: Window) => {
      const text = printWindow(clampWindow(next, axisMax(model, on)), axisMax(model, on));
      setTexts((old) => ({ ...old, [on]: text }));
      url.settle({ win: text });
    },
    [model, url],
  );
  const zoomTo = useCallback((next: Window) => write(axis, next), [write, axis]);
  const around = useCallback(
    (on: Axis, i: number, padding: number): Window => {
      const from = startOn(model, on, i);
      const width = amountOn(model, on, i);
      const pad = Math.max(width * padding, axisMax(model, on) / 1e5);
      return [from - pad, from + width + pad];
    },
    [model],
  );
  const width = window[1] - window[0];
  return {
    window,
    max,
    zoomed: printWindow(window, max) !== undefined,
    zoomTo,
    zoomToNode: (i, padding = 0.04) => write(axis, around(axis, i, padding)),
    zoomBy: (factor) => {
      const middle = (window[0] + window[1]) / 2;
      zoomTo([middle - (width * factor) / 2, middle + (width * factor) / 2]);
    },
    pan: (share) => zoomTo([window[0] + width * share, window[1] + width * share]),
    reset: () => zoomTo([0, max]),
    showNode: (on, i) => {
      const next = around(on, i, 0.12);
      const text = printWindow(clampWindow(next, axisMax(model, on)), axisMax(model, on));
      setTexts((old) => ({ ...old, [on]: text }));
      url.set({ axis: on === "time" ? undefined : on, win: text });
    },
  };
}
