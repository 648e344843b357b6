//! The whole trace as an icicle on a canvas: every run is drawn, whatever their number.

import { typeLook } from "@/components/TypeIcon";
import type { Axis } from "@/lib/api/types";
import { amountOn, startOn, type Window } from "../model/axis";
import type { CriticalPath } from "../model/critical-path";
import { ERROR, isParent, nameOf, type TraceModel } from "../model/types";

/** Room for the caption above the icicle. */
export const TOP = 18;
const MAX_LEVELS = 40;

export interface OverviewLook {
  width: number;
  height: number;
  view: Window;
  axis: Axis;
  /** Names on the bars: the large overview. */
  labels: boolean;
}

export interface Levels {
  count: number;
  height: number;
}

export function levelsOf(t: TraceModel, height: number): Levels {
  const count = Math.min(t.maxDepth + 1, MAX_LEVELS);
  return { count, height: Math.max(3, Math.min(21, (height - TOP - 2) / count)) };
}

interface Paint {
  context: CanvasRenderingContext2D;
  levels: Levels;
  look: OverviewLook;
  scale: number;
  error: string;
  ink: string;
  /** Of the page: on bars in full colour it reads better than the ink, in both themes. */
  paper: string;
}

export function drawOverview(
  canvas: HTMLCanvasElement,
  t: TraceModel,
  look: OverviewLook,
  selected: number,
  critical: CriticalPath | null,
): void {
  const context = canvas.getContext("2d");
  if (!context || look.width === 0) return;
  const ratio = devicePixelRatio || 1;
  canvas.width = look.width * ratio;
  canvas.height = look.height * ratio;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, look.width, look.height);
  const style = getComputedStyle(document.documentElement);
  const color = (name: string): string => style.getPropertyValue(name).trim();
  const paint: Paint = {
    context,
    levels: levelsOf(t, look.height),
    look,
    scale: look.width / (look.view[1] - look.view[0]),
    error: color("--err"),
    ink: color("--t1"),
    paper: color("--surface"),
  };
  const colors = t.skeleton.dict.map(() => "");
  for (const index of new Set(t.skeleton.runs.type)) colors[index] = color(typeLook(t.skeleton.dict[index]).color);
  drawBars(paint, t, colors);
  drawErrors(paint, t);
  if (critical && look.axis === "time") drawCritical(paint, t, critical);
  drawSelection(paint, t, selected);
}

function drawBars(paint: Paint, t: TraceModel, colors: string[]): void {
  const { context, levels, look, scale } = paint;
  const covered = new Float64Array(levels.count).fill(-1);
  const labels: { x: number; y: number; width: number; text: string; parent: boolean }[] = [];
  for (let i = 0; i < t.n; i++) {
    const depth = t.depth[i];
    if (depth >= levels.count) continue;
    let width = amountOn(t, look.axis, i) * scale;
    if (width <= 0 && look.axis !== "time") continue;
    let x = (startOn(t, look.axis, i) - look.view[0]) * scale;
    if (x > look.width || x + width < 0) continue;
    // A pixel that is drawn is not drawn again: this keeps 100,000 runs under one frame.
    if (x + width <= covered[depth] + 0.5) continue;
    if (x < covered[depth]) {
      width -= covered[depth] - x;
      x = covered[depth];
    }
    covered[depth] = x + width;
    const shown = Math.max(width - (width > 3 ? 1 : 0), 0.7);
    const y = TOP + depth * levels.height;
    const parent = isParent(t, i);
    context.globalAlpha = parent ? 0.42 : 0.92;
    context.fillStyle = t.status[i] === ERROR && !parent ? paint.error : colors[t.type[i]];
    context.fillRect(x, y, shown, levels.height - 1);
    if (look.labels && shown > 46 && levels.height > 13) {
      const left = Math.max(x, 0) + 4;
      labels.push({
        x: left,
        y: y + levels.height / 2,
        width: Math.min(x + shown, look.width) - left - 4,
        text: nameOf(t, i),
        parent,
      });
    }
  }
  context.globalAlpha = 1;
  context.font = `500 10.5px "Inter Variable", sans-serif`;
  context.textBaseline = "middle";
  for (const label of labels) {
    context.fillStyle = label.parent ? paint.ink : paint.paper;
    context.save();
    context.beginPath();
    context.rect(label.x, label.y - 8, label.width, 16);
    context.clip();
    context.fillText(label.text, label.x, label.y);
    context.restore();
  }
}

/** Errors are always drawn, however small. */
function drawErrors({ context, levels, look, scale, error }: Paint, t: TraceModel): void {
  context.fillStyle = error;
  for (let i = 0; i < t.n; i++) {
    if (t.status[i] !== ERROR || t.kids[i] > 0) continue;
    const x = (startOn(t, look.axis, i) - look.view[0]) * scale;
    if (x < -3 || x > look.width) continue;
    context.fillRect(
      Math.max(0, x),
      TOP + Math.min(levels.count - 1, t.depth[i]) * levels.height,
      2.5,
      levels.height - 1,
    );
  }
}

function drawCritical({ context, levels, look, scale, ink }: Paint, t: TraceModel, path: CriticalPath): void {
  context.fillStyle = ink;
  for (let k = 0; k < path.from.length; k++) {
    const width = (path.to[k] - path.from[k]) * scale;
    if (width < 0.15) continue;
    const depth = Math.min(levels.count - 1, t.depth[path.node[k]]);
    const y = TOP + (depth + 1) * levels.height - 3;
    context.fillRect((path.from[k] - look.view[0]) * scale, y, Math.max(1, width), 2);
  }
}

function drawSelection({ context, levels, look, scale, ink }: Paint, t: TraceModel, selected: number): void {
  const depth = t.depth[selected];
  if (depth >= levels.count) return;
  const x = (startOn(t, look.axis, selected) - look.view[0]) * scale;
  context.strokeStyle = ink;
  context.lineWidth = 1.5;
  context.strokeRect(
    x - 0.5,
    TOP + depth * levels.height - 0.5,
    Math.max(3, amountOn(t, look.axis, selected) * scale) + 1,
    levels.height,
  );
}

/** The node under a point, or −1. Descends by subtree ranges, so it costs depth × fan-out. */
export function nodeAt(t: TraceModel, look: OverviewLook, px: number, py: number): number {
  const depth = Math.floor((py - TOP) / levelsOf(t, look.height).height);
  if (depth < 0) return -1;
  const x = look.view[0] + (px / look.width) * (look.view[1] - look.view[0]);
  let found = -1;
  let from = 0;
  let to = t.n;
  for (let d = 0; d <= depth; d++) {
    found = -1;
    for (let c = from; c < to; c += t.size[c]) {
      const start = startOn(t, look.axis, c);
      // Overlapping siblings: the later one is drawn above.
      if (x >= start && x <= start + amountOn(t, look.axis, c)) found = c;
    }
    if (found < 0) return -1;
    from = found + 1;
    to = found + t.size[found];
  }
  return found;
}
