import { formatInt } from "@/lib/format";
import { type Bins, inWords, totalOf } from "./distribution";
import styles from "./Spread.module.css";

interface Props {
  bins: Bins;
  /** The share that the highest bar of all experiments stands for. */
  highest: number;
}

/** How scores are spread, in the room of a word. The scale is that of the other experiments. */
export function Spread({ bins, highest }: Props) {
  const total = totalOf(bins);
  if (total === 0) return null;
  return (
    <span className={styles.spread} role="img" aria-label={inWords(bins)}>
      {bins.map(({ label, count }) => (
        <i key={label} title={`${label}: ${formatInt(count)} of ${formatInt(total)}`}>
          {count > 0 ? <u style={{ height: `${(count / total / highest) * 100}%` }} /> : null}
        </i>
      ))}
    </span>
  );
}
