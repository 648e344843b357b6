import { Link } from "@tanstack/react-router";
import { memo } from "react";
import { cx } from "@/lib/cx";
import { formatCost } from "@/lib/format";
import { mainText } from "@/lib/payload-text";
import { showTurns } from "@/lib/visible-text";
import { Tag } from "@/components/Tag";
import { WordDiff } from "@/components/WordDiff";
import { type Attempt, type Cell, change, type Row, scoreDelta, worst } from "./model";
import styles from "./Grid.module.css";
import { Delta } from "./Delta";
import type { ComparisonState } from "./useComparison";
import { scoreText } from "./verdict";

/** Characters that a cell has room for before the first difference. */
const ROOM = 60;
/** What a cell of three lines shows of a text. */
const SHOWN_CHARS = 900;

export const rowDomId = (id: string): string => `example-${id}`;

interface Props {
  state: ComparisonState;
  /** Only the input and the column that the page is about. */
  narrow: boolean;
  withReference: boolean;
  index: number;
  place: number;
  rowPx: number;
  selected: boolean;
}

export const RowView = memo(function RowView({ state, narrow, withReference, index, place, rowPx, selected }: Props) {
  const row = state.rows[index];
  const columns = [...state.columns.keys()].filter((column) => !narrow || column === state.focus);
  return (
    <div
      id={rowDomId(row.id)}
      role="row"
      aria-rowindex={place + 2}
      aria-selected={selected}
      data-row={row.id}
      className={cx(styles.row, selected && styles.selected)}
      style={{ transform: `translateY(${place * rowPx}px)`, height: rowPx }}
    >
      <div className={styles.line}>
        <div role="gridcell" className={styles.cell}>
          <span className={cx(styles.text, styles.input)}>{short(mainText(row.inputs))}</span>
        </div>
        {withReference ? (
          <div role="gridcell" className={styles.cell}>
            {row.reference === null ? (
              <span className={styles.soft}>No reference</span>
            ) : (
              <span className={cx(styles.text, styles.input)}>{short(mainText(row.reference))}</span>
            )}
          </div>
        ) : null}
        {columns.map((column) => (
          <Answer key={state.columns[column].id} state={state} row={row} column={column} />
        ))}
      </div>
    </div>
  );
});

const short = (text: string): string => showTurns(text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text);

function Answer({ state, row, column }: { state: ComparisonState; row: Row; column: number }) {
  const experiment = state.columns[column];
  const cell = row.cells.get(experiment.id);
  const base = row.cells.get(state.base);
  const { outcome } = change(base, cell, state.counted, state.direction);
  if (!cell)
    return (
      <div role="gridcell" className={styles.cell}>
        <span className={styles.soft}>Did not run</span>
      </div>
    );
  const attempt = worst(cell, state.counted, state.direction);
  return (
    <div
      role="gridcell"
      data-column={column}
      className={cx(styles.cell, column > 0 && (outcome === "better" || outcome === "worse") && styles[outcome])}
    >
      <Link
        to="/p/$project/traces/$traceId"
        params={{ project: experiment.name, traceId: attempt.traceId }}
        search={{ span: attempt.runId }}
        preload={false}
        tabIndex={-1}
        title="Open the trace of the run"
        className={cx(styles.text, attempt.error !== null && styles.error)}
      >
        <Output state={state} row={row} attempt={attempt} column={column} />
      </Link>
      <Marks state={state} cell={cell} base={column === 0 ? undefined : base} />
    </div>
  );
}

function Output(props: { state: ComparisonState; row: Row; attempt: Attempt; column: number }) {
  const { state, row, attempt, column } = props;
  const { error, outputs, pending } = attempt;
  // What follows the first line is where it happened: the trace shows that.
  if (error !== null) return short(error.split("\n", 1)[0]);
  if (outputs === null) return <span className={styles.soft}>{pending ? "Still running" : "No output"}</span>;
  const text = short(mainText(outputs));
  const against = textAgainst(state, row, column);
  return against === null ? text : <WordDiff before={short(against)} after={text} room={ROOM} />;
}

/** The text that an output's words are compared with, or nothing. */
export function textAgainst(state: ComparisonState, row: Row, column: number): string | null {
  if (state.search.diff === "off") return null;
  if (state.search.diff !== "baseline") return row.reference === null ? null : mainText(row.reference);
  const base = row.cells.get(state.base);
  const outputs = base && worst(base, state.counted, state.direction).outputs;
  return column === 0 || !outputs ? null : mainText(outputs);
}

function Marks({ state, cell, base }: { state: ComparisonState; cell: Cell; base: Cell | undefined }) {
  const { by, keys, direction, preferred } = state;
  // The score that decides stands first.
  const ordered = by === undefined || by === "all" ? keys : [by, ...keys.filter((key) => key !== by)];
  const wins = cell.attempts.some((attempt) => preferred.get(attempt.runId)?.wins);
  return (
    <div className={styles.marks}>
      {wins ? <Tag>preferred</Tag> : null}
      <span className={styles.scores}>
        {ordered.map((key) =>
          cell.scores[key] === undefined ? null : (
            <span key={key} className={styles.score} title={`${key} ${cell.scores[key]}`}>
              {key} <b>{scoreText(cell.scores[key])}</b>{" "}
              <Delta by={scoreDelta(base, cell, key, direction)} direction={direction(key)} />
            </span>
          ),
        )}
      </span>
      {cell.attempts.length > 1 ? (
        <span className={styles.score} title="The worst of the runs of this example; the figures are their means">
          {cell.attempts.length} runs
        </span>
      ) : null}
      {cell.failed > 0 ? (
        <Tag tone="err">{cell.failed === cell.attempts.length ? "failed" : `${cell.failed} failed`}</Tag>
      ) : null}
      <span className={styles.cost}>{cell.cost === null ? "" : formatCost(cell.cost)}</span>
    </div>
  );
}
