//! What tables and columns there are. A click writes the name into the statement.

import { useQuery } from "@tanstack/react-query";
import { sqlSchemaQuery } from "@/lib/api/sql";
import styles from "./SqlPage.module.css";

export function Schema({ onPick }: { onPick: (name: string) => void }) {
  const tables = useQuery(sqlSchemaQuery()).data ?? [];
  return (
    <nav className={styles.schema} aria-label="Tables">
      {tables.map((table) => (
        <details key={table.name} open={table.name === "runs"}>
          <summary title={table.description}>{table.name}</summary>
          <ul>
            {table.columns.map((column) => (
              <li key={column.name}>
                <button type="button" title={column.description} onClick={() => onPick(column.name)}>
                  <span className="ellipsis">{column.name}</span>
                  <span className={styles.type}>{column.type}</span>
                </button>
              </li>
            ))}
          </ul>
        </details>
      ))}
    </nav>
  );
}
