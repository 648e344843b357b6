//! The table with what surrounds it: the menu of values, the pill of waiting rows, the remembered place.

import { ArrowUp } from "lucide-react";
import { type MouseEvent, type ReactNode, type RefObject, useEffect, useLayoutEffect, useState } from "react";
import { plural } from "@/lib/format";
import { ContextMenu } from "@/components/ContextMenu";
import type { Column } from "./columns";
import type { PickMode } from "./filter";
import styles from "./List.module.css";
import { type Clicked, RowMenu } from "./RowMenu";
import { RowTable } from "./RowTable";
import type { ListRow } from "./rows";
import type { Unit } from "./search";
import type { Rows } from "./useRows";
import { useRowPx } from "./window";

interface Props {
  project: string;
  unit: Unit;
  rows: Rows;
  columns: Column[];
  sort: string;
  current: string | null;
  viewport: RefObject<HTMLDivElement | null>;
  /** Names the list, so that coming back finds its scroll position. */
  place: string;
  onSort: (sort: string) => void;
  onOpen: (row: ListRow, newTab?: boolean) => void;
  onPeek: (row: ListRow) => void;
  onPick: (field: string, value: string, how: PickMode) => void;
  onReading: (update: (old: Reading) => Reading) => void;
  /** In place of rows: nothing found, or an error. */
  children: ReactNode;
}

export interface Reading {
  hover: boolean;
  scrolled: boolean;
}

/** Where each list of this visit was scrolled to. */
const places = new Map<string, number>();

export function List(props: Props) {
  const { rows, viewport, place, onReading } = props;
  const [clicked, setClicked] = useState<Clicked | null>(null);
  const rowPx = useRowPx();
  const ready = !rows.loading && !rows.refreshing;
  useLayoutEffect(() => {
    if (ready && viewport.current) viewport.current.scrollTop = places.get(place) ?? 0;
    // Only when the list becomes another one, not when rows enter.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [place, ready]);

  const onContextMenu = (event: MouseEvent<HTMLElement>) => {
    const target = event.target as HTMLElement;
    const key = target.closest<HTMLElement>("[data-key]")?.dataset.key ?? props.current;
    const row = rows.rows.find((item) => item.key === key);
    if (!row) {
      event.preventDefault();
      return;
    }
    const { field, value } = target.closest<HTMLElement>("[data-field]")?.dataset ?? {};
    setClicked({ row, field: field ?? null, value: value ?? null });
  };
  const toTop = () => viewport.current?.scrollTo({ top: 0 });
  return (
    <div className={styles.wrap}>
      <ContextMenu
        onOpen={onContextMenu}
        trigger={
          <div className={styles.table}>
            <RowTable
              label={props.unit === "traces" ? "Traces" : "Runs"}
              project={props.project}
              viewport={viewport}
              rowPx={rowPx}
              rows={rows.rows}
              loading={rows.loading}
              hasMore={rows.hasMore}
              loadMore={rows.loadMore}
              columns={props.columns}
              sort={props.sort}
              onSort={props.onSort}
              selected={props.current}
              onOpen={(row, event) => props.onOpen(row, event.metaKey || event.ctrlKey)}
              onScroll={(top) => {
                places.set(place, top);
                onReading((old) => (old.scrolled === top > rowPx / 2 ? old : { ...old, scrolled: top > rowPx / 2 }));
              }}
              onHover={(hover) => onReading((old) => (old.hover === hover ? old : { ...old, hover }))}
            />
          </div>
        }
      >
        {clicked ? (
          <RowMenu clicked={clicked} onPick={props.onPick} onOpen={props.onOpen} onPeek={props.onPeek} />
        ) : null}
      </ContextMenu>
      {props.children ? <div className={styles.instead}>{props.children}</div> : null}
      <Waiting
        unit={props.unit}
        waiting={rows.waiting}
        onShow={() => {
          toTop();
          rows.showWaiting();
        }}
      />
    </div>
  );
}

/** “12 new”: rows that wait for the reader. Said aloud at most every five seconds. */
function Waiting({ unit, waiting, onShow }: { unit: Unit; waiting: Rows["waiting"]; onShow: () => void }) {
  const text = waiting.count === 0 ? "" : `${waiting.count}${waiting.more ? "+" : ""} new`;
  const noun = unit === "traces" ? "new trace" : "new run";
  const [spoken, setSpoken] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setSpoken(waiting.count === 0 ? "" : plural(waiting.count, noun)), 5000);
    return () => clearTimeout(timer);
  }, [waiting.count, noun]);
  return (
    <>
      <span className="sr" role="status">
        {spoken}
      </span>
      {text ? (
        <button type="button" className={styles.pill} onClick={onShow}>
          <ArrowUp size={12} aria-hidden />
          {text}
        </button>
      ) : null}
    </>
  );
}
