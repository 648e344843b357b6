//! The columns that the list can show: what they are called, how wide they are, what stands in a cell.

import { CircleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { Tag, RunningDot } from "@/components/Tag";
import { TypeIcon } from "@/components/TypeIcon";
import { formatDollars, formatDuration, formatInt, formatTokens, UNKNOWN } from "@/lib/format";
import { shortModel } from "@/lib/text";
import { shownName, shownValue } from "@/lib/visible-text";
import { FeedbackCell, InputOutput, TimeCell, ValueCell } from "./cells";
import type { ListRow } from "./rows";
import type { Unit } from "./search";
import styles from "./RowTable.module.css";

export interface Column {
  id: string;
  label: string;
  /** Pixels; 0 takes what is left. */
  width: number;
  numeric?: boolean;
  /** Name for `sort=`; `-` in front is descending. */
  sort?: string;
  /** Only where it makes sense. */
  unit?: Unit;
  /** Shown without asking: always, or where there is room. */
  standard?: "always" | "wide";
  cell: (row: ListRow) => ReactNode;
}

/** Tables at least this wide show the columns that are standard where there is room. */
export const WIDE = 1280;

const hotCost = (row: ListRow): boolean => Number(row.cost ?? 0) >= 1;
const hotLatency = (row: ListRow): boolean => (row.latency ?? 0) >= 20_000_000;

const COLUMNS: readonly Column[] = [
  {
    id: "time",
    label: "Time",
    width: 74,
    sort: "start",
    standard: "always",
    cell: (row) => <TimeCell us={row.start} />,
  },
  { id: "status", label: "Status", width: 18, standard: "always", cell: statusMark },
  { id: "name", label: "Name", width: 144, standard: "always", cell: nameCell },
  { id: "io", label: "Input and output", width: 0, standard: "always", cell: (row) => <InputOutput row={row} /> },
  {
    id: "latency",
    label: "Latency",
    width: 72,
    numeric: true,
    sort: "latency",
    standard: "always",
    cell: (row) => number(formatDuration(row.latency), hotLatency(row)),
  },
  {
    id: "ttft",
    label: "First token",
    width: 76,
    numeric: true,
    standard: "wide",
    cell: (row) => number(row.firstToken === null ? "" : formatDuration(row.firstToken)),
  },
  { id: "cost", label: "Cost", width: 74, numeric: true, sort: "cost", standard: "always", cell: costCell },
  { id: "tokens", label: "Tokens", width: 64, numeric: true, sort: "tokens", standard: "always", cell: tokensCell },
  { id: "runs", label: "Runs", width: 54, numeric: true, unit: "traces", standard: "always", cell: runsCell },
  {
    id: "model",
    label: "Model",
    width: 142,
    standard: "always",
    cell: (row) => <ValueCell field="model" values={row.models} shown={shortModel} />,
  },
  {
    id: "tags",
    label: "Tags",
    width: 120,
    standard: "wide",
    cell: (row) => <ValueCell field="tag" values={row.tags} tags />,
  },
  { id: "feedback", label: "Feedback", width: 190, cell: (row) => <FeedbackCell row={row} /> },
  { id: "user", label: "User", width: 110, cell: (row) => <ValueCell field="user" values={one(row.user)} mono /> },
  {
    id: "thread",
    label: "Thread",
    width: 120,
    cell: (row) => <ValueCell field="thread" values={one(row.thread)} mono />,
  },
  {
    id: "env",
    label: "Environment",
    width: 96,
    cell: (row) => <ValueCell field="env" values={one(row.environment)} />,
  },
  {
    id: "service",
    label: "Service",
    width: 110,
    cell: (row) => <ValueCell field="service" values={one(row.service)} />,
  },
];

const one = (value: string | null): string[] => (value === null ? [] : [value]);

const number = (text: string, hot = false): ReactNode => <span className={hot ? styles.hot : undefined}>{text}</span>;

/** Success has neither colour nor mark. */
function statusMark(row: ListRow): ReactNode {
  if (row.status === "error") return <CircleAlert size={14} className={styles.bad} role="img" aria-label="failed" />;
  if (row.status === "pending")
    return (
      <span role="img" aria-label="running" title="Running" className={styles.mark}>
        <RunningDot />
      </span>
    );
  return null;
}

function nameCell(row: ListRow): ReactNode {
  return (
    <span className={styles.name} data-field="name" data-value={row.name}>
      {row.runs === null ? <TypeIcon type={row.type} /> : null}
      <span className="ellipsis">{shownName(row.name)}</span>
      {row.orphan ? <Tag title="The parent of its first run has not arrived">partial</Tag> : null}
    </span>
  );
}

const atLeast = (text: string): string => (text.startsWith("<") ? "> $0" : `≥ ${text}`);

const findUnpriced = (row: ListRow): string => `is:unpriced finds such ${row.runs === null ? "runs" : "traces"}`;

function costCell(row: ListRow): ReactNode {
  if (row.cost === null)
    return row.unpriced ? <span title={`What its calls cost is not known. ${findUnpriced(row)}`}>unpriced</span> : "";
  const text = formatDollars(row.cost);
  return (
    <span
      className={hotCost(row) ? styles.hot : undefined}
      title={row.unpriced ? `Some calls are unpriced: the true cost is higher. ${findUnpriced(row)}` : `$${row.cost}`}
    >
      {row.unpriced || row.status === "pending" ? atLeast(text) : text}
    </span>
  );
}

function tokensCell(row: ListRow): ReactNode {
  if (row.tokens === null) return "";
  const parts = [`${formatInt(row.inputTokens)} in`, `${formatInt(row.outputTokens)} out`];
  if (row.cachedTokens) parts.push(`${formatInt(row.cachedTokens)} of the input cached`);
  return <span title={parts.join(", ")}>{formatTokens(row.tokens)}</span>;
}

function runsCell(row: ListRow): ReactNode {
  if (row.runs === null) return UNKNOWN;
  // Failures that the trace recovered from are still worth a look.
  const recovered = row.errors > 0 && row.status !== "error";
  return (
    <span title={row.errors > 0 ? `${formatInt(row.errors)} failed` : undefined}>
      {recovered ? <i className={styles.dot} aria-label={`${row.errors} failed`} role="img" /> : null}
      {formatInt(row.runs)}
    </span>
  );
}

const META = "meta.";

/** A column of one metadata key. */
const metaColumn = (id: string): Column => ({
  id,
  label: shownValue(id.slice(META.length)),
  width: 110,
  unit: "traces",
  cell: (row) => <ValueCell field={id} values={metaValue(row, id.slice(META.length))} />,
});

function metaValue(row: ListRow, key: string): string[] {
  const value = row.metadata[key];
  if (value === undefined || value === null) return [];
  return [typeof value === "object" ? JSON.stringify(value) : String(value)];
}

/** Columns of the unit: ours, then metadata keys that occur in the rows. */
export function availableColumns(unit: Unit, rows: readonly ListRow[]): Column[] {
  const keys = new Set<string>();
  if (unit === "traces")
    for (const row of rows.slice(0, 200)) for (const key of Object.keys(row.metadata)) keys.add(key);
  const own = COLUMNS.filter((column) => column.unit === undefined || column.unit === unit);
  return [
    ...own,
    ...[...keys]
      .toSorted()
      .slice(0, 40)
      .map((key) => metaColumn(META + key)),
  ];
}

export const standardIds = (unit: Unit, wide: boolean): string[] =>
  COLUMNS.filter((column) => column.unit === undefined || column.unit === unit)
    .filter((column) => column.standard === "always" || (wide && column.standard === "wide"))
    .map((column) => column.id);

/** Columns for ids in their order; what is unknown is left out. */
export function columnsOf(ids: readonly string[], unit: Unit): Column[] {
  return ids.flatMap((id) => {
    if (id.startsWith(META)) return unit === "traces" ? [metaColumn(id)] : [];
    const column = COLUMNS.find((item) => item.id === id);
    return column && (column.unit === undefined || column.unit === unit) ? [column] : [];
  });
}
