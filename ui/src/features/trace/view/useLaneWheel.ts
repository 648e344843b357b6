//! Wheel over the grid: with Ctrl or ⌘ zooms around the pointer, with Shift pans. Plain wheel scrolls rows.

import { useEffect } from "react";
import type { Zoom } from "../state/useZoom";

type Ref = { current: HTMLElement | null };

export function useLaneWheel(viewport: Ref, lane: Ref, zoom: Zoom): void {
  const { window, zoomTo } = zoom;
  const [from, to] = window;
  useEffect(() => {
    const element = viewport.current;
    if (!element) return;
    const onWheel = (event: WheelEvent): void => {
      if (!lane.current || !(event.ctrlKey || event.metaKey || event.shiftKey)) return;
      event.preventDefault();
      const rect = lane.current.getBoundingClientRect();
      const width = to - from;
      if (event.shiftKey) {
        const by = ((event.deltaY || event.deltaX) / rect.width) * width;
        zoomTo([from + by, to + by]);
        return;
      }
      const share = Math.min(1, Math.max(0, (event.clientX - rect.left) / rect.width));
      const next = width * Math.exp(event.deltaY * 0.002);
      const at = from + share * width;
      zoomTo([at - share * next, at + (1 - share) * next]);
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, [viewport, lane, from, to, zoomTo]);
}
