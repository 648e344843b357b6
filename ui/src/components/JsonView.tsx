import { ChevronRight, Link2, Route } from "lucide-react";
import { type KeyboardEvent, useEffect, useId, useMemo, useRef, useState } from "react";
import { BigNumber, printJson } from "@/lib/api/json";
import { cx } from "@/lib/cx";
import { formatBytes, formatInt } from "@/lib/format";
import { useSize } from "@/lib/use-size";
import { showTurns } from "@/lib/visible-text";
import { IconButton } from "./Button";
import { CopyButton, copyText } from "./CopyButton";
import styles from "./JsonView.module.css";
import { jqPath, type JsonRow, jsonRows, type OpenState, openTo } from "./json-rows";
import { SentText } from "./SentText";

const ROW_PX = 20;
const OVERSCAN = 6;
/** Longer strings open in a panel of their own. */
const LONG_STRING = 400;
/** Pictures and files inside of a text say what they are instead of their letters. */
const DATA_URL = /^data:([\w.+-]+\/[\w.+-]+)[;,]/;
const LONG_DATA = 120;

interface Props {
  data: unknown;
  /** Grows with its rows up to this height; without it the view fills its parent. */
  maxHeight?: number;
  /** JSON pointer to open, mark and scroll to. */
  pointer?: string;
  /** Offers "Copy link" for each value. */
  onLink?: (pointer: string) => void;
  label?: string;
}

/** A JSON value as a tree, windowed: ten megabytes cost as much as ten lines. */
export function JsonView({ data, maxHeight, pointer, onLink, label = "JSON" }: Props) {
  const [open, setOpen] = useState<OpenState>(() => (pointer ? openTo(pointer, new Map()) : new Map()));
  const [text, setText] = useState<JsonRow | null>(null);
  const [scroll, setScroll] = useState(0);
  const [active, setActive] = useState(-1);
  const view = useRef<HTMLDivElement>(null);
  const { height } = useSize(view);
  const id = useId();
  const rows = useMemo(() => jsonRows(data, open), [data, open]);
  const marked = useMemo(
    () => (pointer === undefined ? -1 : rows.findIndex((row) => row.path === pointer)),
    [rows, pointer],
  );
  useEffect(() => {
    if (marked > 0 && view.current) view.current.scrollTop = marked * ROW_PX - 60;
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- only when the pointer changes: folding must not scroll
  }, [pointer]);

  const toggle = (row: JsonRow) => setOpen((old) => new Map(old).set(row.path, !row.open));
  const act = (row: JsonRow) => {
    if (row.entries > 0) toggle(row);
    else if (typeof row.value === "string" && row.value.length > LONG_STRING) setText(row);
  };
  const move = (to: number) => {
    const next = Math.min(rows.length - 1, Math.max(0, to));
    setActive(next);
    const element = view.current;
    if (!element) return;
    if (next * ROW_PX < element.scrollTop) element.scrollTop = next * ROW_PX;
    else if ((next + 1) * ROW_PX > element.scrollTop + element.clientHeight)
      element.scrollTop = (next + 1) * ROW_PX - element.clientHeight;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const row = rows[active];
    if (event.key === "ArrowDown") move(active + 1);
    else if (event.key === "ArrowUp") move(active - 1);
    else if (event.key === "Home") move(0);
    else if (event.key === "End") move(rows.length - 1);
    else if (event.key === "ArrowRight" && row?.open) move(active + 1);
    else if (event.key === "ArrowRight" && row?.entries > 0) toggle(row);
    else if (event.key === "ArrowLeft" && row?.open) toggle(row);
    else if (event.key === "ArrowLeft" && row) move(parentOf(rows, active));
    else if (event.key === "Enter" && row) act(row);
    else return;
    event.preventDefault();
  };
  const first = Math.max(0, Math.floor(scroll / ROW_PX) - OVERSCAN);
  const shown = rows.slice(first, first + Math.ceil((height || maxHeight || 600) / ROW_PX) + OVERSCAN * 2);
  return (
    <>
      <div
        ref={view}
        className={styles.view}
        role="tree"
        aria-label={label}
        tabIndex={0}
        aria-activedescendant={active >= 0 ? `${id}-${active}` : undefined}
        style={{ height: maxHeight === undefined ? "100%" : Math.min(maxHeight, rows.length * ROW_PX) }}
        onScroll={(event) => setScroll(event.currentTarget.scrollTop)}
        onKeyDown={onKeyDown}
      >
        <div className={styles.tall} role="presentation" style={{ height: rows.length * ROW_PX }}>
          {shown.map((row, k) => (
            <Row
              key={row.path}
              id={`${id}-${first + k}`}
              row={row}
              top={(first + k) * ROW_PX}
              active={active === first + k}
              marked={marked === first + k}
              onAct={() => {
                setActive(first + k);
                act(row);
              }}
              onLink={onLink}
            />
          ))}
        </div>
      </div>
      {text ? <TextPanel row={text} onClose={() => setText(null)} /> : null}
    </>
  );
}

function parentOf(rows: JsonRow[], at: number): number {
  for (let r = at - 1; r >= 0; r--) if (rows[r].depth < rows[at].depth) return r;
  return at;
}

interface RowProps {
  id: string;
  row: JsonRow;
  top: number;
  active: boolean;
  marked: boolean;
  onAct: () => void;
  onLink?: (pointer: string) => void;
}

function Row({ id, row, top, active, marked, onAct, onLink }: RowProps) {
  return (
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- the tree has the keys
    <div
      id={id}
      role="treeitem"
      aria-level={row.depth + 1}
      aria-expanded={row.entries > 0 ? row.open : undefined}
      aria-selected={active}
      tabIndex={-1}
      className={cx(styles.row, active && styles.active, marked && styles.marked)}
      style={{ transform: `translateY(${top}px)`, paddingLeft: 6 + row.depth * 14 }}
      onClick={onAct}
    >
      <span className={cx(styles.fold, row.open && styles.open)}>
        {row.entries > 0 ? <ChevronRight size={11} aria-hidden /> : null}
      </span>
      {row.key === null ? null : (
        <span className={styles.key}>
          <SentText text={row.key} />
          <span className={styles.soft}>:</span>
        </span>
      )}
      <Value row={row} />
      <span className={styles.tools}>
        <CopyButton text={() => textOf(row.value)} label="Copy value" size={11} />
        <IconButton
          label="Copy path for jq"
          onClick={(event) => (event.stopPropagation(), void copyText(jqPath(row.path)))}
        >
          <Route size={11} aria-hidden />
        </IconButton>
        {onLink ? (
          <IconButton label="Copy link to this value" onClick={(event) => (event.stopPropagation(), onLink(row.path))}>
            <Link2 size={11} aria-hidden />
          </IconButton>
        ) : null}
      </span>
    </div>
  );
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : printJson(value));

function Value({ row: { value, entries } }: { row: JsonRow }) {
  if (entries >= 0)
    return (
      <span className={styles.soft}>
        {Array.isArray(value) ? `[${formatInt(entries)}]` : `{${formatInt(entries)}}`}
      </span>
    );
  const embedded = typeof value === "string" && value.length > LONG_DATA ? DATA_URL.exec(value) : null;
  if (embedded)
    return (
      <span className={styles.more}>
        {embedded[1]}, {formatBytes(Math.round((String(value).length * 3) / 4))} in text
      </span>
    );
  if (typeof value === "string")
    return (
      <>
        <span className={styles.string}>
          <SentText text={JSON.stringify(value.length > LONG_STRING ? value.slice(0, LONG_STRING) : value)} />
        </span>
        {value.length > LONG_STRING ? <span className={styles.more}>{formatInt(value.length)} characters</span> : null}
      </>
    );
  if (value instanceof BigNumber) return <span className={styles.number}>{value.digits}</span>;
  if (typeof value === "number") return <span className={styles.number}>{String(value)}</span>;
  return <span className={styles.word}>{String(value)}</span>;
}

function TextPanel({ row, onClose }: { row: JsonRow; onClose: () => void }) {
  return (
    <section className={styles.text} aria-label={`Text of ${showTurns(row.key ?? "value")}`}>
      <header>
        <span className="mono">
          <SentText text={jqPath(row.path)} />
        </span>
        <span className="grow" />
        <CopyButton text={String(row.value)} label="Copy text" size={12} />
        <IconButton label="Close" onClick={onClose}>
          ×
        </IconButton>
      </header>
      <pre>
        <SentText text={String(row.value)} />
      </pre>
    </section>
  );
}
