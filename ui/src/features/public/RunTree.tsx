import { type KeyboardEvent, useEffect, useRef } from "react";
import { cx } from "@/lib/cx";
import { shownName, showTurns } from "@/lib/visible-text";
import { formatDollars, formatDuration, formatTokens } from "@/lib/format";
import { TypeIcon } from "@/components/TypeIcon";
import styles from "./RunTree.module.css";
import { latencyOf, type TreeRow } from "./tree";

interface Props {
  rows: TreeRow[];
  selected: number;
  onSelect: (index: number) => void;
}

/** Deeper ones keep their order and stop moving to the right. */
const MAX_INDENT = 16;

/** Spans in the order in which they ran. A link shows at most a thousand of them, so nothing is windowed. */
export function RunTree({ rows, selected, onSelect }: Props) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const row = list.current?.querySelector<HTMLElement>("[aria-selected=true]");
    row?.scrollIntoView({ block: "nearest" });
    if (list.current?.contains(document.activeElement)) row?.focus();
  }, [selected]);
  // In a tree the arrow keys are the tree's own.
  const onKeyDown = (event: KeyboardEvent) => {
    const to = { ArrowDown: selected + 1, ArrowUp: selected - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    onSelect(to);
  };
  return (
    <nav className={styles.tree} aria-label="Spans">
      <p className={styles.columns} aria-hidden>
        <span className="grow">Span</span>
        <span>Duration</span>
        <span>Cost</span>
        <span>Tokens</span>
      </p>
      <div ref={list} role="tree" aria-label="Spans" tabIndex={-1} onKeyDown={onKeyDown}>
        {rows.map(({ run, depth }, index) => (
          <button
            key={run.id}
            type="button"
            role="treeitem"
            aria-level={depth + 1}
            aria-selected={index === selected}
            tabIndex={index === selected ? 0 : -1}
            className={cx(styles.row, run.status === "error" && styles.failed)}
            style={{ paddingLeft: 12 + 14 * Math.min(depth, MAX_INDENT) }}
            onClick={() => onSelect(index)}
          >
            <TypeIcon type={run.run_type} />
            <span className="ellipsis">{shownName(run.name)}</span>
            {run.error ? (
              <span className={cx(styles.error, "ellipsis")}>{showTurns(run.error.split("\n")[0])}</span>
            ) : null}
            <span className="grow" />
            <span className={styles.figure}>{formatDuration(latencyOf(run))}</span>
            <span className={styles.figure}>{run.total_cost === null ? "" : formatDollars(run.total_cost)}</span>
            <span className={styles.figure}>{run.total_tokens ? formatTokens(run.total_tokens) : ""}</span>
          </button>
        ))}
      </div>
    </nav>
  );
}
