import type { TraceRow } from "@/lib/api/types";
import { formatTokens } from "@/lib/format";
import styles from "./ContextChart.module.css";

const WIDTH = 270;
const HEIGHT = 64;
/** With more turns than these their numbers would not fit. */
const LABELLED = 6;
const EXPLAINED =
  "The input tokens of all calls of a turn, added up: a turn of several calls reads its context in each";

/** How much all calls of a turn read together: a conversation that grows is seen at once. */
export function ContextChart({
  turns,
  selected,
  onSelect,
}: {
  turns: TraceRow[];
  selected: number;
  onSelect: (index: number) => void;
}) {
  const tokens = turns.map((turn) => turn.input_tokens ?? 0);
  const most = Math.max(...tokens, 1);
  const step = WIDTH / Math.max(turns.length, 4);
  const gap = step > 12 ? step * 0.3 : step > 3 ? 1 : 0;
  const bar = (index: number): string => {
    const height = tokens[index] === 0 ? 0 : Math.max(1.5, (tokens[index] / most) * HEIGHT);
    return `M${(index * step + gap / 2).toFixed(2)} ${HEIGHT}v${(-height).toFixed(2)}h${Math.max(0.5, step - gap).toFixed(2)}V${HEIGHT}z`;
  };
  const label =
    turns.length === 0
      ? ""
      : `from ${formatTokens(tokens[0])} to ${formatTokens(tokens.at(-1) ?? 0)}, at most ${formatTokens(most)}`;
  if (tokens.every((count) => count === 0)) return null;
  return (
    <figure className={styles.chart}>
      <figcaption title={EXPLAINED}>
        Input tokens per turn
        <span>{turns.length > LABELLED ? `at most ${formatTokens(most)} in a turn` : ""}</span>
      </figcaption>
      {/* The rail beside it does the same with the keyboard. */}
      {/* oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions */}
      <svg
        viewBox={`0 -16 ${WIDTH} ${HEIGHT + 18}`}
        role="img"
        aria-label={`Input tokens per turn: ${label}`}
        onClick={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          const index = Math.floor((((event.clientX - box.left) / box.width) * WIDTH) / step);
          if (index >= 0 && index < turns.length) onSelect(index);
        }}
      >
        <path className={styles.bars} d={turns.map((_, index) => bar(index)).join("")} />
        {selected >= 0 && selected < turns.length ? <path className={styles.current} d={bar(selected)} /> : null}
        {turns.length <= LABELLED
          ? tokens.map((count, index) => (
              <text
                key={turns[index].trace_id}
                x={(index + 0.5) * step}
                y={HEIGHT - (count / most) * HEIGHT - 5}
                textAnchor="middle"
              >
                {turns[index].input_tokens === null ? "" : formatTokens(count)}
              </text>
            ))
          : null}
        <path className={styles.axis} d={`M0 ${HEIGHT + 0.5}H${WIDTH}`} />
      </svg>
    </figure>
  );
}
