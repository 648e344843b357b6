import { type MouseEvent, type RefObject, useState } from "react";
import { cx } from "@/lib/cx";
import { useRowSlots } from "@/lib/row-slots";
import { useSize } from "@/lib/use-size";
import { IconButton } from "@/components/Button";
import { Tag } from "@/components/Tag";
import { Anchor } from "lucide-react";
import { RowView, rowDomId } from "./RowView";
import { HEAD_PX, rowPxOf, rowsTop, scoreLines } from "./layout";
import { Summary } from "./Summary";
import styles from "./Grid.module.css";
import type { ComparisonState } from "./useComparison";

const OVERSCAN = 3;
/** Narrower than these no column gets. */
const TEXT_PX = 190;
const COLUMN_PX = 270;
/** What a column gets of the room, where the input gets one. */
const COLUMN_SHARE = 1.35;
const TIGHT_TEXT_SHARE = 0.36;

interface Props {
  state: ComparisonState;
  viewport: RefObject<HTMLDivElement | null>;
  current: string | null;
  onCurrent: (id: string) => void;
}

/** Figures above, examples below, in the same columns. Only the rows in view are in the page. */
export function Grid({ state, viewport, current, onCurrent }: Props) {
  const { order, rows, columns, loading, set, search } = state;
  const { width, height } = useSize(viewport);
  const [scroll, setScroll] = useState({ top: 0, rows: 0 });
  const open = (event: MouseEvent) => {
    if (event.defaultPrevented || !window.getSelection()?.isCollapsed) return;
    const target = event.target as HTMLElement;
    const id = target.closest<HTMLElement>("[data-row]")?.dataset.row;
    if (id === undefined || target.closest("a, button")) return;
    const column = Number(target.closest<HTMLElement>("[data-column]")?.dataset.column ?? 0);
    onCurrent(id);
    set({ example: id, ...(column > 0 ? { col: column === 1 ? undefined : String(column + 1) } : {}) });
  };
  // Beside an open example, and in a narrow window, there is room for the input and the column that the page is about.
  const narrow = search.example !== undefined || (width > 0 && width < TEXT_PX + 2 * COLUMN_PX);
  const shown = narrow ? columns.slice(state.focus, state.focus + 1) : columns;
  // The reference also stands in the pane: it goes first where the columns would not fit.
  const texts = narrow || (width > 0 && width < 2 * TEXT_PX + columns.length * COLUMN_PX) ? 1 : 2;
  // In a window for one hand both are as narrow as it takes to see them beside each other.
  const tight = width > 0 && width < TEXT_PX + COLUMN_PX;
  const textMin = tight ? width * TIGHT_TEXT_SHARE : TEXT_PX;
  const columnMin = tight ? width - textMin : COLUMN_PX;
  const columnPx = Math.max(columnMin, (width * COLUMN_SHARE) / (texts + shown.length * COLUMN_SHARE));
  const rowPx = rowPxOf(scoreLines(state.keys, columnPx, columns.length > 1));
  const visible = Math.ceil((height || 600) / rowPx) + 1;
  const first = Math.max(0, Math.floor((scroll.top - scroll.rows) / rowPx) - OVERSCAN);
  const slots = visible + 2 * OVERSCAN + 1;
  const last = Math.min(order.length, first + slots);
  const places = useRowSlots(Math.min(first, last), last, slots);
  const template = `repeat(${texts}, minmax(${textMin}px, 1fr)) repeat(${shown.length}, minmax(${columnMin}px, ${COLUMN_SHARE}fr))`;
  const isShown = places.some((place) => rows[order[place]].id === current);
  return (
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- Enter opens the row with the cursor
    <div
      ref={viewport}
      className={styles.viewport}
      role="grid"
      aria-label="Examples"
      aria-rowcount={order.length + 1}
      aria-busy={loading || undefined}
      aria-activedescendant={isShown && current !== null ? rowDomId(current) : undefined}
      tabIndex={0}
      style={{ "--columns": template } as React.CSSProperties}
      onScroll={(event) => {
        const view = event.currentTarget;
        setScroll({ top: view.scrollTop, rows: rowsTop(view) });
      }}
      onClick={open}
    >
      <div className={styles.wide} role="presentation" style={{ minWidth: texts * textMin + shown.length * columnMin }}>
        <Summary state={state} shown={shown} texts={texts} />
        <div role="rowgroup" className={styles.head} style={{ height: HEAD_PX }}>
          <div role="row" aria-rowindex={1} className={styles.line}>
            <span role="columnheader" className={styles.headCell}>
              Input
            </span>
            {texts === 1 ? null : (
              <span role="columnheader" className={styles.headCell}>
                Reference
              </span>
            )}
            {shown.map((experiment) => (
              <Head key={experiment.id} state={state} column={columns.indexOf(experiment)} />
            ))}
          </div>
        </div>
        <div role="rowgroup" data-rows={rowPx} className={styles.tall} style={{ height: order.length * rowPx }}>
          {places.map((place) => (
            <RowView
              key={place % slots}
              state={state}
              narrow={narrow}
              withReference={texts === 2}
              index={order[place]}
              place={place}
              rowPx={rowPx}
              selected={rows[order[place]].id === current}
            />
          ))}
        </div>
        {order.length === 0 && !loading ? (
          <p className={styles.nothing}>
            {search.only ? "No example is like that." : "The experiments ran on no example of this dataset."}
          </p>
        ) : null}
      </div>
    </div>
  );
}

/** An experiment's name; a click makes it the one that the verdict is about. */
function Head({ state, column }: { state: ComparisonState; column: number }) {
  const { columns, focus, set } = state;
  const experiment = columns[column];
  const isFocus = column === focus && column > 0;
  const name = (
    <>
      <kbd aria-hidden>{column + 1}</kbd>
      <span className={cx("ellipsis", styles.name)}>{experiment.name}</span>
    </>
  );
  return (
    <span role="columnheader" className={cx(styles.headCell, isFocus && styles.focused)} title={experiment.name}>
      {column === 0 ? (
        name
      ) : (
        <button
          type="button"
          className={styles.pick}
          aria-pressed={isFocus}
          onClick={() => set({ col: column === 1 ? undefined : String(column + 1) })}
        >
          {name}
        </button>
      )}
      {column === 0 && columns.length > 1 ? <Tag>baseline</Tag> : null}
      <span className="grow" />
      {column > 0 ? (
        <IconButton
          label={`Make ${experiment.name} the baseline`}
          onClick={() => set({ base: experiment.id, col: undefined })}
        >
          <Anchor size={12} aria-hidden />
        </IconButton>
      ) : null}
    </span>
  );
}
