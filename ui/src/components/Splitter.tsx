import { type KeyboardEvent, type PointerEvent, useLayoutEffect, useRef, useState } from "react";
import { readSetting, writeSetting } from "@/lib/storage";
import styles from "./Splitter.module.css";

interface Props {
  /** Remembered under this name; sets `--detail` on the parent element. */
  name: string;
  label: string;
  initial: number;
  min: number;
  max: number;
}

const STEP = 24;

/** The line between a page and its detail pane on the right. Drag it, or move it with the arrow keys. */
export function Splitter({ name, label, initial, min, max }: Props) {
  const ref = useRef<HTMLDivElement>(null);
  const [stored, setStored] = useState<number | null>(() => Number(readSetting(name)) || null);
  const width = stored ?? initial;
  const clamp = (x: number): number => Math.round(Math.min(max, Math.max(min, x)));
  const apply = (x: number): void => ref.current?.parentElement?.style.setProperty("--detail", `${x}px`);
  useLayoutEffect(() => {
    // Untouched, the page's own rules decide: they differ by window width.
    if (stored !== null) apply(stored);
  }, [stored]);
  const keep = (x: number): void => {
    setStored(x);
    writeSetting(name, String(x));
  };
  const widthAt = (event: PointerEvent<HTMLElement>): number => {
    const parent = event.currentTarget.parentElement;
    return clamp((parent?.getBoundingClientRect().right ?? 0) - event.clientX);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const by = { ArrowLeft: STEP, ArrowRight: -STEP }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    keep(clamp(width + by));
  };
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- a focusable separator is a widget
    <div
      ref={ref}
      className={styles.split}
      role="separator"
      aria-orientation="vertical"
      aria-label={label}
      aria-valuenow={width}
      aria-valuemin={min}
      aria-valuemax={max}
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- same
      tabIndex={0}
      onKeyDown={onKeyDown}
      onPointerDown={(event) => {
        event.preventDefault();
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={(event) => {
        if (event.currentTarget.hasPointerCapture(event.pointerId)) apply(widthAt(event));
      }}
      onPointerUp={(event) => {
        if (event.currentTarget.hasPointerCapture(event.pointerId)) keep(widthAt(event));
      }}
    />
  );
}
