//! Log records in order of time: one line each, only those in view are in the page, any of them opens in place.

import { type MouseEvent, type ReactNode, type RefObject, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { Level } from "@/lib/api/telemetry";
import { cx } from "@/lib/cx";
import { formatInstant } from "@/lib/format";
import { useMediaQuery } from "@/lib/media";
import { useSize } from "@/lib/use-size";
import { layoutOf } from "./layout";
import windowed from "../WindowedRows.module.css";
import styles from "./LogList.module.css";

export const LINE_PX = 27;
/** On narrow screens a record has two lines. */
export const STACKED_PX = 46;
const HEAD_PX = 27;
const OVERSCAN = 8;
const AHEAD = 40;
const GHOSTS = 20;
/** Until an open record has been measured. */
const GUESS_PX = 220;

export interface LogItem {
  id: string;
  time: number;
  level: Level | null;
  /** Kind of event, where it is one. */
  name: string | null;
  /** One line of what it says. */
  text: string;
}

interface Props<T extends LogItem> {
  label: string;
  items: readonly T[];
  loading: boolean;
  hasMore: boolean;
  loadMore?: () => void;
  viewport: RefObject<HTMLDivElement | null>;
  /** Head and content of the columns that only the page knows. */
  columns: readonly Column<T>[];
  timeHead: string;
  timeWidth: number;
  timeOf: (item: T) => string;
  selected: string | null;
  open: ReadonlySet<string>;
  onPick: (item: T) => void;
  renderDetail: (item: T) => ReactNode;
  /** Drawn a little stronger: those of the selected span. */
  marked?: (item: T) => boolean;
  onScroll?: (top: number) => void;
  onHover?: (inside: boolean) => void;
}

export interface Column<T> {
  id: string;
  head: string;
  width: number;
  /** Stands after the text instead of before it. */
  after?: boolean;
  cell: (item: T) => ReactNode;
}

const narrow = matchMedia("(max-width: 639px)");

const logDomId = (id: string): string => `log-${id}`;

export function LogList<T extends LogItem>(props: Props<T>) {
  const { items, viewport, open, hasMore, loading, loadMore, selected } = props;
  const rowPx = useMediaQuery(narrow) ? STACKED_PX : LINE_PX;
  const { height } = useSize(viewport);
  const [scroll, setScroll] = useState(0);
  const [sizes, setSizes] = useState<ReadonlyMap<string, number>>(new Map());
  const layout = useMemo(() => {
    const rows = [];
    if (open.size > 0)
      for (let index = 0; index < items.length; index++)
        if (open.has(items[index].id)) rows.push({ index, extra: sizes.get(items[index].id) ?? GUESS_PX });
    return layoutOf(items.length, rowPx, rows);
  }, [items, rowPx, open, sizes]);

  const from = Math.max(0, layout.indexAt(scroll) - OVERSCAN);
  const to = Math.min(items.length, layout.indexAt(scroll + (height || 800)) + OVERSCAN + 1);
  useLayoutEffect(() => {
    if (hasMore && to + AHEAD > items.length) loadMore?.();
  }, [hasMore, to, items.length, loadMore]);

  useLayoutEffect(() => {
    const index = selected === null ? -1 : items.findIndex((item) => item.id === selected);
    if (index >= 0 && viewport.current) show(viewport.current, layout.topOf(index), rowPx);
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- only when the selection moves: new records must not scroll
  }, [selected]);

  const slots = Math.ceil((height || 800) / rowPx) + 2 * OVERSCAN + 2;
  const ghosts = loading ? GHOSTS : hasMore ? 3 : 0;
  const shown = items.slice(from, to);
  const measure = (id: string, px: number) => setSizes((old) => (old.get(id) === px ? old : new Map(old).set(id, px)));
  const active = selected !== null && shown.some((item) => item.id === selected);
  return (
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- Enter on the list opens the selected record
    <div
      ref={viewport}
      className={cx(windowed.viewport, styles.viewport)}
      role="treegrid"
      aria-label={props.label}
      aria-rowcount={hasMore ? -1 : items.length + 1}
      aria-busy={loading}
      aria-activedescendant={active ? logDomId(selected) : undefined}
      tabIndex={0}
      onScroll={(event) => {
        setScroll(event.currentTarget.scrollTop);
        props.onScroll?.(event.currentTarget.scrollTop);
      }}
      onClick={(event) => pickClicked(event, items, props.onPick)}
    >
      <Head {...props} />
      <div
        role="rowgroup"
        className={windowed.tall}
        style={{ height: layout.total + ghosts * rowPx }}
        onPointerEnter={(event) => event.pointerType === "mouse" && props.onHover?.(true)}
        onPointerLeave={() => props.onHover?.(false)}
      >
        {shown.map((item, k) => (
          // Slots are reused while scrolling: moving a node is cheaper than making one.
          <Line key={(from + k) % slots} {...props} item={item} index={from + k} top={layout.topOf(from + k)} />
        ))}
        {shown.map((item, k) =>
          open.has(item.id) ? (
            <Opened
              key={`${item.id} open`}
              id={item.id}
              top={layout.topOf(from + k) + rowPx}
              index={from + k}
              onSize={measure}
            >
              {props.renderDetail(item)}
            </Opened>
          ) : null,
        )}
        {Array.from({ length: ghosts }, (_, k) => (
          // oxlint-disable-next-line react/no-array-index-key -- bones are all alike
          <Ghost key={k} top={layout.total + k * rowPx} width={props.timeWidth} seed={k} />
        ))}
      </div>
    </div>
  );
}

/** Scrolls as little as needed to show a line whole, below the sticky head. */
function show(viewport: HTMLElement, top: number, rowPx: number): void {
  const room = viewport.clientHeight - (rowPx === STACKED_PX ? 0 : HEAD_PX);
  if (top < viewport.scrollTop) viewport.scrollTop = top;
  else if (top + rowPx > viewport.scrollTop + room) viewport.scrollTop = top + rowPx - room;
}

function pickClicked<T extends LogItem>(
  event: MouseEvent<HTMLElement>,
  items: readonly T[],
  onPick: Props<T>["onPick"],
) {
  const target = event.target as HTMLElement;
  // Links and buttons act themselves, and marking text is not picking.
  if (event.defaultPrevented || target.closest("a, button") !== null || !window.getSelection()?.isCollapsed) return;
  const id = target.closest<HTMLElement>("[data-log]")?.dataset.log;
  const item = id === undefined ? undefined : items.find((one) => one.id === id);
  if (item) onPick(item);
}

function Head<T extends LogItem>({ columns, timeHead, timeWidth }: Props<T>) {
  const cell = (column: Column<T>) => (
    <span key={column.id} role="columnheader" data-col={column.id} style={{ width: column.width }}>
      {column.head}
    </span>
  );
  return (
    <div role="rowgroup" className={windowed.head} style={{ height: HEAD_PX }}>
      <div role="row" aria-rowindex={1} className={cx(windowed.headRow, styles.headRow)}>
        <span role="columnheader" style={{ width: timeWidth }}>
          {timeHead}
        </span>
        <span role="columnheader" className={styles.level}>
          Level
        </span>
        {columns.filter((column) => !column.after).map(cell)}
        <span role="columnheader" className={styles.text}>
          Message
        </span>
        {columns.filter((column) => column.after).map(cell)}
      </div>
    </div>
  );
}

function Line<T extends LogItem>(props: Props<T> & { item: T; index: number; top: number }) {
  const { item, index, top, columns, selected, open, marked } = props;
  const cell = (column: Column<T>) => (
    <span key={column.id} role="gridcell" data-col={column.id} className={styles.cell} style={{ width: column.width }}>
      {column.cell(item)}
    </span>
  );
  return (
    <div
      id={logDomId(item.id)}
      role="row"
      aria-level={1}
      aria-rowindex={index + 2}
      aria-expanded={open.has(item.id)}
      aria-selected={item.id === selected}
      data-log={item.id}
      data-level={item.level ?? undefined}
      className={cx(
        windowed.row,
        styles.row,
        item.id === selected && styles.selected,
        open.has(item.id) && styles.open,
        marked?.(item) && styles.marked,
      )}
      style={{ transform: `translateY(${top}px)` }}
    >
      <span role="gridcell" className={styles.time} style={{ width: props.timeWidth }} title={formatInstant(item.time)}>
        {props.timeOf(item)}
      </span>
      <span role="gridcell" className={styles.level}>
        {item.level ?? ""}
      </span>
      {columns.filter((column) => !column.after).map(cell)}
      <span role="gridcell" className={styles.text}>
        {item.name === null ? null : <b>{item.name}</b>}
        <span className="ellipsis">{item.text}</span>
      </span>
      {columns.filter((column) => column.after).map(cell)}
    </div>
  );
}

function Opened(props: {
  id: string;
  top: number;
  index: number;
  onSize: (id: string, px: number) => void;
  children: ReactNode;
}) {
  const { id, top, index, children } = props;
  const box = useRef<HTMLDivElement>(null);
  const onSize = useRef(props.onSize);
  useLayoutEffect(() => {
    onSize.current = props.onSize;
  });
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = () => onSize.current(id, element.offsetHeight);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [id]);
  return (
    <div
      ref={box}
      role="row"
      aria-level={2}
      aria-rowindex={index + 2}
      className={styles.opened}
      style={{ transform: `translateY(${top}px)` }}
    >
      <div role="gridcell">{children}</div>
    </div>
  );
}

function Ghost({ top, width, seed }: { top: number; width: number; seed: number }) {
  return (
    <div
      className={cx(windowed.row, windowed.ghost, styles.row, styles.ghost)}
      style={{ transform: `translateY(${top}px)` }}
      aria-hidden
    >
      <i style={{ width: width - 16 }} />
      <i style={{ width: 34 }} />
      <i style={{ width: `${30 + ((seed * 17) % 40)}%` }} />
    </div>
  );
}
