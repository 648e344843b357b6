import { Link } from "@tanstack/react-router";
import { X } from "lucide-react";
import type { Experiment } from "@/lib/api/experiments";
import { cx } from "@/lib/cx";
import { formatCost, formatDuration } from "@/lib/format";
import { mainText } from "@/lib/payload-text";
import { IconButton } from "@/components/Button";
import { Tag } from "@/components/Tag";
import { ValueView } from "@/components/ValueView";
import { SideBySide } from "@/components/WordDiff";
import { Delta } from "./Delta";
import { type Attempt, type Row, scoreDelta } from "./model";
import styles from "./Pane.module.css";
import { textAgainst } from "./RowView";
import type { ComparisonState } from "./useComparison";
import { scoreText } from "./verdict";

/** One example: what went in, what was wanted, and what each experiment made of it. */
export function Pane({ state, row }: { state: ComparisonState; row: Row }) {
  // The column that the page is about comes first, the baseline after it.
  const order = [state.focus, 0, ...state.columns.keys()].filter((at, index, all) => all.indexOf(at) === index);
  return (
    <aside className={styles.pane} aria-label={`Example ${row.name}`}>
      <header>
        <h2>
          Example <span className="mono">{row.name}</span>
        </h2>
        <span className="grow" />
        <Link
          to="/p/$project/datasets/$datasetId"
          params={{ project: state.project, datasetId: state.datasetId }}
          search={{ example: row.id }}
        >
          In the dataset
        </Link>
        <IconButton label="Close the example" keyHint="Esc" onClick={() => state.set({ example: undefined })}>
          <X size={15} aria-hidden />
        </IconButton>
      </header>
      <div className={styles.body}>
        <section>
          <h3>Input</h3>
          <ValueView label="Input" value={row.inputs} />
        </section>
        <section>
          <h3>Reference</h3>
          {row.reference === null ? (
            <p className={styles.soft}>This example has no reference output.</p>
          ) : (
            <ValueView label="Reference" value={row.reference} />
          )}
        </section>
        {order.map((column) => (
          <ExperimentPart key={state.columns[column].id} state={state} row={row} column={column} />
        ))}
      </div>
    </aside>
  );
}

function ExperimentPart({ state, row, column }: { state: ComparisonState; row: Row; column: number }) {
  const experiment = state.columns[column];
  const cell = row.cells.get(experiment.id);
  const base = column === 0 ? undefined : row.cells.get(state.base);
  return (
    <section className={styles.experiment}>
      <h3>
        <kbd aria-hidden>{column + 1}</kbd>
        <span className="ellipsis">{experiment.name}</span>
        {column === 0 && state.columns.length > 1 ? <Tag>baseline</Tag> : null}
        {cell && cell.attempts.length > 1 ? <Tag>mean of {cell.attempts.length} runs</Tag> : null}
      </h3>
      {cell ? (
        <>
          <dl className={styles.scores}>
            {state.keys
              .filter((key) => cell.scores[key] !== undefined)
              .map((key) => (
                <div key={key}>
                  <dt>{key}</dt>
                  <dd>
                    <b>{scoreText(cell.scores[key])}</b>{" "}
                    <Delta by={scoreDelta(base, cell, key, state.direction)} direction={state.direction(key)} />
                  </dd>
                </div>
              ))}
            <div>
              <dt>Cost</dt>
              <dd>{formatCost(cell.cost)}</dd>
            </div>
            <div>
              <dt>Latency</dt>
              <dd>{formatDuration(cell.latency)}</dd>
            </div>
          </dl>
          {cell.attempts.map((attempt, index) => (
            <AttemptPart
              key={attempt.runId}
              state={state}
              row={row}
              column={column}
              experiment={experiment}
              attempt={attempt}
              number={cell.attempts.length > 1 ? index + 1 : null}
            />
          ))}
        </>
      ) : (
        <p className={styles.soft}>This experiment did not run on the example.</p>
      )}
    </section>
  );
}

interface AttemptProps {
  state: ComparisonState;
  row: Row;
  column: number;
  experiment: Experiment;
  attempt: Attempt;
  /** Of several; null when it is the only one. */
  number: number | null;
}

function AttemptPart({ state, row, column, experiment, attempt, number }: AttemptProps) {
  const against = textAgainst(state, row, column);
  const isReference = state.search.diff !== "baseline";
  const preference = state.preferred.get(attempt.runId);
  const notes = Object.entries({ ...attempt.labels, ...attempt.comments });
  return (
    <div className={styles.attempt}>
      <div className={styles.attemptHead}>
        {number === null ? null : (
          <>
            <b>Run {number}</b>
            {state.keys
              .filter((key) => attempt.scores[key] !== undefined)
              .map((key) => (
                <span key={key}>
                  {key} {scoreText(attempt.scores[key])}
                </span>
              ))}
            <span>{formatDuration(attempt.latency)}</span>
          </>
        )}
        {preference ? (
          <>
            <Tag>{preference.wins ? "preferred" : "not preferred"}</Tag>
            <span className="ellipsis">{preference.why}</span>
          </>
        ) : null}
        <span className="grow" />
        <Link
          to="/p/$project/traces/$traceId"
          params={{ project: experiment.name, traceId: attempt.traceId }}
          search={{ span: attempt.runId }}
        >
          Trace
        </Link>
      </div>
      {attempt.error !== null ? (
        <p className={cx(styles.error, "mono")}>{attempt.error}</p>
      ) : attempt.outputs === null ? (
        <p className={styles.soft}>{attempt.pending ? "The run has not ended yet." : "The run has no output."}</p>
      ) : against === null || against === mainText(attempt.outputs) ? (
        <>
          <ValueView label="Output" value={attempt.outputs} />
          {against === null ? null : (
            <p className={styles.soft}>Word for word the {isReference ? "reference" : "baseline’s output"}.</p>
          )}
        </>
      ) : (
        <SideBySide
          before={against}
          after={mainText(attempt.outputs)}
          names={[isReference ? "Reference" : "Baseline", "Output"]}
        />
      )}
      {notes.length > 0 ? (
        <ul className={styles.notes}>
          {notes.map(([key, note]) => (
            <li key={key}>
              <b>{key}</b> {note}
            </li>
          ))}
        </ul>
      ) : null}
    </div>
  );
}
