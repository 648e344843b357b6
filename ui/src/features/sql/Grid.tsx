//! The rows of an answer.

import type { SqlAnswer } from "@/lib/api/sql";
import { formatInt, plural } from "@/lib/format";
import { cx } from "@/lib/cx";
import { cellText, isNumber, shownText } from "./cell";
import styles from "./SqlPage.module.css";

export function Grid({ answer, ms }: { answer: SqlAnswer; ms: number }) {
  const rows = plural(answer.row_count, "row");
  return (
    <>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable by keyboard */}
      <div className={styles.scroll} tabIndex={0} role="region" aria-label="Answer">
        <table className={styles.table}>
          <thead>
            <tr>
              {answer.columns.map((column, place) => (
                // eslint-disable-next-line react/no-array-index-key -- names may repeat; the place is the identity
                <th key={place} scope="col" title={column.type} className={cx(isNumber(column.type) && styles.number)}>
                  {column.name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {answer.rows.map((row, number) => (
              // eslint-disable-next-line react/no-array-index-key -- rows have no identity but their place
              <tr key={number}>
                {row.map((value, place) => (
                  <td
                    // eslint-disable-next-line react/no-array-index-key -- as above
                    key={place}
                    className={cx(isNumber(answer.columns[place]?.type ?? "") && styles.number)}
                    title={cellText(value).length > 60 ? shownText(value) : undefined}
                  >
                    {value === null ? <span className={styles.null}>null</span> : shownText(value)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <footer className={styles.foot}>
        <span>
          {rows} in {formatInt(Math.round(ms))} ms
        </span>
        {answer.is_cut ? <span>There are more: CSV has all of them.</span> : null}
      </footer>
    </>
  );
}
