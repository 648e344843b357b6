//! The table: fixed row heights, only the rows in view are in the page.

import { ArrowDown, ArrowUp } from "lucide-react";
import { type MouseEvent, type ReactNode, type RefObject, useEffect, useMemo, useState } from "react";
import { cx } from "@/lib/cx";
import { useRowSlots } from "@/lib/row-slots";
import { useSize } from "@/lib/use-size";
import type { Column } from "./columns";
import { fitting, minWidthOf, widthsOf } from "./fit";
import { GhostRow, Row, rowDomId } from "./Row";
import type { ListRow } from "./rows";
import type { Marking } from "./useMarks";
import { isToday } from "@/lib/time-range";
import { HEAD_PX } from "./window";
import windowed from "@/components/WindowedRows.module.css";
import styles from "./RowTable.module.css";

const OVERSCAN = 6;
/** Ask for the next page when this few rows are left below. */
const AHEAD = 40;
const GHOSTS = 24;

interface Props {
  label: string;
  project: string;
  viewport: RefObject<HTMLDivElement | null>;
  rowPx: number;
  rows: ListRow[];
  loading: boolean;
  hasMore: boolean;
  loadMore: () => void;
  columns: Column[];
  /** Columns give way until the table needs not scroll to the side. */
  fit: boolean;
  sort: string;
  onSort: (sort: string) => void;
  selected: string | null;
  marking: Marking;
  onSelect: (key: string) => void;
  onOpen: (row: ListRow, event: MouseEvent) => void;
  onScroll: (top: number) => void;
  onHover: (inside: boolean) => void;
  onContextMenu?: (event: MouseEvent<HTMLElement>) => void;
}

export function RowTable(props: Props) {
  const { viewport, rowPx, rows, loading, hasMore, loadMore, selected, marking, fit, sort } = props;
  const [first, setFirst] = useState(0);
  const { width, height } = useSize(viewport);
  const dated = useMemo(() => rows.length > 0 && !rows.every((row) => isToday(row.start)), [rows]);
  const columns = useMemo(
    () => (fit && width > 0 ? fitting(props.columns, width, dated, sort) : props.columns),
    [props.columns, fit, width, dated, sort],
  );
  const widths = useMemo(() => widthsOf(columns, dated), [columns, dated]);
  const minWidth = minWidthOf(widths);

  const from = Math.max(0, first - OVERSCAN);
  const visible = Math.ceil((height || 800) / rowPx) + 1;
  const to = Math.min(rows.length, first + visible + OVERSCAN);
  const slots = visible + 2 * OVERSCAN + 1;
  useEffect(() => {
    if (hasMore && first + visible + AHEAD > rows.length) loadMore();
  }, [hasMore, first, visible, rows.length, loadMore]);

  const items: ReactNode[] = useRowSlots(from, to, slots).map((index) => (
    <Row
      key={index % slots}
      project={props.project}
      row={rows[index]}
      index={index}
      top={index * rowPx}
      columns={columns}
      widths={widths}
      selected={rows[index].key === selected}
      marked={marking.keys.has(rows[index].key)}
    />
  ));
  const ghosts = loading ? GHOSTS : hasMore ? 3 : 0;
  for (let ghost = 0; ghost < ghosts; ghost++)
    items.push(
      <GhostRow key={`ghost${ghost}`} top={(rows.length + ghost) * rowPx} columns={columns} widths={widths} />,
    );
  const active = selected !== null && rows.slice(from, to).some((row) => row.key === selected);
  return (
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- Enter on the grid opens the selected row
    <div
      ref={viewport}
      className={cx(windowed.viewport, styles.viewport)}
      role="grid"
      aria-label={props.label}
      aria-rowcount={hasMore ? -1 : rows.length + 1}
      aria-busy={loading}
      aria-activedescendant={active ? rowDomId(selected) : undefined}
      tabIndex={0}
      onScroll={(event) => {
        const { scrollTop } = event.currentTarget;
        setFirst(Math.floor(scrollTop / rowPx));
        props.onScroll(scrollTop);
      }}
      data-marking={marking.rows.length > 0 || undefined}
      onMouseDown={(event) => {
        // Shift would select the text between, and the focus stays with the grid, whose keys act on rows.
        if (isOnMark(event) || (event.shiftKey && keyAt(event) !== undefined)) event.preventDefault();
      }}
      onClick={(event) => {
        const key = keyAt(event);
        const isMark = isOnMark(event);
        if (key !== undefined && (isMark || (event.shiftKey && !event.defaultPrevented))) {
          marking.mark(key, event.shiftKey);
          props.onSelect(key);
          viewport.current?.focus({ preventScroll: true });
        } else if (!isMark) openClicked(event, rows, props.onOpen);
      }}
      onContextMenu={props.onContextMenu}
    >
      <Header
        columns={columns}
        widths={widths}
        minWidth={minWidth}
        sort={props.sort}
        onSort={props.onSort}
        marking={marking}
        count={rows.length}
      />
      <div
        role="rowgroup"
        className={cx(windowed.tall, styles.tall)}
        style={{ height: (rows.length + ghosts) * rowPx, minWidth }}
        onPointerEnter={(event) => event.pointerType === "mouse" && props.onHover(true)}
        onPointerLeave={() => props.onHover(false)}
      >
        {items}
      </div>
    </div>
  );
}

const keyAt = (event: MouseEvent<HTMLElement>): string | undefined =>
  (event.target as HTMLElement).closest<HTMLElement>("[data-key]")?.dataset.key;

const isOnMark = (event: MouseEvent<HTMLElement>): boolean =>
  (event.target as HTMLElement).closest("[role=gridcell][data-col=mark]") !== null;

function openClicked(event: MouseEvent<HTMLElement>, rows: ListRow[], onOpen: Props["onOpen"]): void {
  // The link in the row did it already, or somebody marks text.
  if (event.defaultPrevented || !window.getSelection()?.isCollapsed) return;
  if ((event.target as HTMLElement).closest("a") !== null) return;
  const key = keyAt(event);
  const row = key === undefined ? undefined : rows.find((item) => item.key === key);
  if (row) onOpen(row, event);
}

function Header({
  columns,
  widths,
  minWidth,
  sort,
  onSort,
  marking,
  count,
}: { columns: Column[]; widths: number[]; minWidth: number; count: number } & Pick<
  Props,
  "sort" | "onSort" | "marking"
>) {
  const marked = marking.rows.length;
  return (
    <div role="rowgroup" className={windowed.head} style={{ minWidth, height: HEAD_PX }}>
      <div role="row" aria-rowindex={1} className={cx(windowed.headRow, styles.headRow)}>
        <span role="columnheader" data-col="mark" className={styles.headCell}>
          <input
            type="checkbox"
            aria-label="Select all loaded rows"
            disabled={count === 0}
            checked={marked > 0 && marked === count}
            ref={(input) => {
              if (input) input.indeterminate = marked > 0 && marked < count;
            }}
            onChange={(event) => (event.target.checked ? marking.markAll() : marking.clear())}
          />
        </span>
        {columns.map((column, i) => (
          <HeadCell key={column.id} column={column} width={widths[i]} sort={sort} onSort={onSort} />
        ))}
      </div>
    </div>
  );
}

function HeadCell({ column, width, sort, onSort }: { column: Column; width: number } & Pick<Props, "sort" | "onSort">) {
  const order = sort === column.sort ? "ascending" : sort === `-${column.sort}` ? "descending" : "none";
  const style = width > 0 ? { width } : undefined;
  const className = cx(styles.headCell, column.numeric && styles.numeric);
  if (column.sort === undefined)
    return (
      <span role="columnheader" data-col={column.id} className={className} style={style}>
        {column.id === "status" ? (
          <span className="sr">Status</span>
        ) : (
          <span className="ellipsis" title={column.label}>
            {column.label}
          </span>
        )}
      </span>
    );
  const next = order === "descending" ? column.sort : `-${column.sort}`;
  const Icon = order === "ascending" ? ArrowUp : ArrowDown;
  return (
    <span role="columnheader" aria-sort={order} data-col={column.id} className={className} style={style}>
      <button type="button" onClick={() => onSort(next)} title={`Sort by ${column.label.toLowerCase()}`}>
        {column.label}
        {order === "none" ? null : <Icon size={11} aria-hidden />}
      </button>
    </span>
  );
}
