import { Link } from "@tanstack/react-router";
import { memo } from "react";
import { cx } from "@/lib/cx";
import { shownName } from "@/lib/visible-text";
import type { Column } from "./columns";
import type { ListRow } from "./rows";
import windowed from "@/components/WindowedRows.module.css";
import styles from "./RowTable.module.css";

export const rowDomId = (key: string): string => `row-${key}`;

interface Props {
  project: string;
  row: ListRow;
  index: number;
  top: number;
  columns: readonly Column[];
  widths: readonly number[];
  selected: boolean;
  marked: boolean;
}

/** One row. Drawn again only when its data or its place changes: scrolling must stay cheap. */
export const Row = memo(function Row({ project, row, index, top, columns, widths, selected, marked }: Props) {
  return (
    <div
      id={rowDomId(row.key)}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={selected}
      data-key={row.key}
      className={cx(windowed.row, styles.row, selected && styles.selected, marked && styles.marked)}
      style={{ transform: `translateY(${top}px)` }}
    >
      {/* The grid hears the click, with or without Shift. */}
      <span role="gridcell" data-col="mark" className={styles.cell}>
        <input type="checkbox" readOnly checked={marked} tabIndex={-1} aria-label={`Select ${shownName(row.name)}`} />
      </span>
      {columns.map((column, i) => (
        <span
          key={column.id}
          role="gridcell"
          data-col={column.id}
          className={cx(styles.cell, column.numeric && styles.numeric)}
          style={widths[i] > 0 ? { width: widths[i] } : undefined}
        >
          {column.id === "name" ? (
            <Link
              to="/p/$project/traces/$traceId"
              params={{ project, traceId: row.traceId }}
              search={row.key === row.traceId ? {} : { span: row.runId }}
              className={styles.link}
              tabIndex={-1}
              draggable={false}
            >
              {column.cell(row)}
            </Link>
          ) : (
            column.cell(row)
          )}
        </span>
      ))}
    </div>
  );
});

/** What stands in for rows that have not arrived, in their real geometry. */
export function GhostRow({ top, columns, widths }: Pick<Props, "top" | "columns" | "widths">) {
  return (
    <div
      className={cx(windowed.row, windowed.ghost, styles.row, styles.ghost)}
      style={{ transform: `translateY(${top}px)` }}
      role="presentation"
    >
      <span data-col="mark" className={styles.cell} />
      {columns.map((column, i) => (
        <span
          key={column.id}
          data-col={column.id}
          className={cx(styles.cell, column.numeric && styles.numeric)}
          style={widths[i] > 0 ? { width: widths[i] } : undefined}
        >
          {column.id === "status" ? null : <i />}
        </span>
      ))}
    </div>
  );
}
