import { ArrowDown, ArrowUp, Columns3 } from "lucide-react";
import { Button, IconButton } from "@/components/Button";
import { Popover } from "@/components/Popover";
import styles from "./ColumnMenu.module.css";
import { availableColumns, type Column } from "./columns";
import type { ListRow } from "./rows";
import type { Unit } from "./search";
import type { Columns } from "./useColumns";

interface Props {
  unit: Unit;
  rows: readonly ListRow[];
  columns: Columns;
}

/** Show, hide and order columns. Shown ones come first, in their order. */
export function ColumnMenu({ unit, rows, columns }: Props) {
  return (
    <Popover
      label="Columns"
      align="end"
      trigger={
        <Button look="ghost" icon={<Columns3 size={13} aria-hidden />}>
          Columns
        </Button>
      }
    >
      <List unit={unit} rows={rows} columns={columns} />
    </Popover>
  );
}

function List({ unit, rows, columns }: Props) {
  const { shown, choose } = columns;
  const ids = shown.map((column) => column.id);
  const hidden = availableColumns(unit, rows).filter((column) => !ids.includes(column.id));
  const toggle = (id: string) => choose(ids.includes(id) ? ids.filter((other) => other !== id) : [...ids, id]);
  const move = (id: string, by: number) => {
    const next = ids.filter((other) => other !== id);
    next.splice(ids.indexOf(id) + by, 0, id);
    choose(next);
  };
  return (
    <div className={styles.list}>
      {shown.map((column, index) => (
        <div key={column.id} className={styles.item}>
          <Check column={column} on disabled={ids.length === 1} onToggle={() => toggle(column.id)} />
          <IconButton label={`Move ${column.label} left`} disabled={index === 0} onClick={() => move(column.id, -1)}>
            <ArrowUp size={12} aria-hidden />
          </IconButton>
          <IconButton
            label={`Move ${column.label} right`}
            disabled={index === ids.length - 1}
            onClick={() => move(column.id, 1)}
          >
            <ArrowDown size={12} aria-hidden />
          </IconButton>
        </div>
      ))}
      {hidden.length > 0 ? <hr /> : null}
      {hidden.map((column) => (
        <div key={column.id} className={styles.item}>
          <Check column={column} onToggle={() => toggle(column.id)} />
        </div>
      ))}
      {columns.custom ? (
        <>
          <hr />
          <Button look="ghost" onClick={() => choose(null)}>
            Back to the standard columns
          </Button>
        </>
      ) : null}
    </div>
  );
}

function Check({
  column,
  on = false,
  disabled,
  onToggle,
}: {
  column: Column;
  on?: boolean;
  disabled?: boolean;
  onToggle: () => void;
}) {
  return (
    <label className={styles.check}>
      <input type="checkbox" checked={on} disabled={disabled} onChange={onToggle} />
      <span className="ellipsis" title={column.label}>
        {column.label}
      </span>
      {column.id.startsWith("meta.") ? <small>metadata</small> : null}
    </label>
  );
}
