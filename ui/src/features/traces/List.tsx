//! The table with what surrounds it: the menu of values, the pill of waiting rows, the remembered place.

import { useNavigate } from "@tanstack/react-router";
import { type MouseEvent, type ReactNode, type RefObject, useLayoutEffect, useState } from "react";
import { CollectRuns, type CollectWhere } from "@/components/collect/CollectRuns";
import { ContextMenu } from "@/components/ContextMenu";
import { Waiting } from "@/components/Waiting";
import type { Column } from "./columns";
import styles from "./List.module.css";
import { type Clicked, RowMenu } from "./RowMenu";
import { RowTable } from "./RowTable";
import type { ListState } from "./useList";
import { STACKED_PX, useRowPx } from "./window";

interface Props {
  project: string;
  list: ListState;
  columns: Column[];
  /** Columns that somebody chose give way to nothing but the pane beside them. */
  chosen: boolean;
  viewport: RefObject<HTMLDivElement | null>;
  /** In place of rows: nothing found, or an error. Draws nothing while there are rows. */
  children: ReactNode;
}

/** Where each list of this visit was scrolled to. */
const places = new Map<string, number>();

export function List({ project, list, columns, chosen, viewport, children }: Props) {
  const { rows, unit, setReading } = list;
  const [clicked, setClicked] = useState<Clicked | null>(null);
  const [collecting, setCollecting] = useState<{ where: CollectWhere; runId: string } | null>(null);
  const navigate = useNavigate();
  const rowPx = useRowPx();
  const place = `${project} ${unit} ${list.q} ${list.t} ${list.sort}`;
  const ready = !rows.loading && !rows.refreshing;
  useLayoutEffect(() => {
    if (ready && viewport.current) viewport.current.scrollTop = places.get(place) ?? 0;
  }, [place, ready, viewport]);

  const onContextMenu = (event: MouseEvent<HTMLElement>) => {
    const target = event.target as HTMLElement;
    const key = target.closest<HTMLElement>("[data-key]")?.dataset.key ?? list.current;
    const row = rows.rows.find((item) => item.key === key);
    if (!row) {
      event.preventDefault();
      return;
    }
    const { field, value } = target.closest<HTMLElement>("[data-field]")?.dataset ?? {};
    setClicked({ row, field: field ?? null, value: value ?? null });
  };
  const table = (
    <div className={styles.table}>
      <RowTable
        label={unit === "traces" ? "Traces" : "Runs"}
        project={project}
        viewport={viewport}
        rowPx={rowPx}
        rows={rows.rows}
        loading={rows.loading}
        hasMore={rows.hasMore}
        loadMore={rows.loadMore}
        columns={columns}
        fit={rowPx !== STACKED_PX && (!chosen || list.peek !== null)}
        sort={list.sort}
        onSort={(sort) => list.setSearch({ sort })}
        selected={list.current}
        marking={list.marking}
        onSelect={list.select}
        onOpen={(row, event) => list.open(row, event.metaKey || event.ctrlKey)}
        onScroll={(top) => {
          places.set(place, top);
          const scrolled = top > rowPx / 2;
          setReading((old) => (old.scrolled === scrolled ? old : { ...old, scrolled }));
        }}
        onHover={(hover) => setReading((old) => (old.hover === hover ? old : { ...old, hover }))}
      />
    </div>
  );
  return (
    <div className={styles.wrap}>
      <ContextMenu onOpen={onContextMenu} trigger={table}>
        {clicked ? (
          <RowMenu
            clicked={clicked}
            onPick={list.pick}
            onOpen={list.open}
            onPeek={(row) => list.setPeek(row.key)}
            onThread={(threadId, row) =>
              void navigate({
                to: "/p/$project/threads/$threadId",
                params: { project, threadId },
                search: { turn: row.traceId },
              })
            }
            onCollect={(where, row) => setCollecting({ where, runId: row.runId })}
          />
        ) : null}
      </ContextMenu>
      {collecting ? (
        <CollectRuns
          where={collecting.where}
          project={project}
          runIds={[collecting.runId]}
          onClose={() => setCollecting(null)}
        />
      ) : null}
      {rows.rows.length === 0 && !rows.loading ? <div className={styles.instead}>{children}</div> : null}
      <Waiting
        count={rows.waiting.count}
        more={rows.waiting.more}
        noun={unit === "traces" ? "trace" : "run"}
        onShow={() => {
          viewport.current?.scrollTo({ top: 0 });
          rows.showWaiting();
        }}
      />
    </div>
  );
}
