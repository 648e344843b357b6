import { Paperclip, Route } from "lucide-react";
import { type Example, ownMetadata, splitsOf } from "@/lib/api/datasets";
import { cx } from "@/lib/cx";
import { plural } from "@/lib/format";
import { lineText } from "@/lib/payload-text";
import { printJson } from "@/lib/api/json";
import { Tag } from "@/components/Tag";
import styles from "@/components/Table.module.css";
import { SourceTrace } from "./SourceTrace";
import { ago, at } from "./time";

const CHARS = 240;
const line = (value: unknown): string => lineText(value).slice(0, CHARS);

interface Props {
  rows: Example[];
  current: string | null;
  selected: ReadonlySet<string>;
  /** Without it nothing can be selected. */
  onSelect?: (selected: ReadonlySet<string>) => void;
  onOpen: (example: Example) => void;
  /** Only what says which example it is: there is little room. */
  tight: boolean;
}

export function ExampleTable({ rows, current, selected, onSelect, onOpen, tight }: Props) {
  const all = rows.length > 0 && rows.every((row) => selected.has(row.id));
  const toggle = (ids: string[], on: boolean) => {
    const next = new Set(selected);
    for (const id of ids)
      if (on) next.add(id);
      else next.delete(id);
    onSelect?.(next);
  };
  return (
    <table className={cx(styles.table, tight && styles.tight)} aria-label="Examples">
      <colgroup>
        {onSelect ? <col style={{ width: 38 }} /> : null}
        <col />
        <col />
        <col style={{ width: "19%" }} className={styles.wide} />
        <col style={{ width: 128 }} className={styles.roomy} />
        <col style={{ width: 72 }} className={styles.wide} />
        <col style={{ width: 112 }} className={styles.wide} />
      </colgroup>
      <thead>
        <tr>
          {onSelect ? (
            <th scope="col" className={styles.tick}>
              <input
                type="checkbox"
                aria-label="Select all on this page"
                checked={all}
                onChange={(event) =>
                  toggle(
                    rows.map((row) => row.id),
                    event.target.checked,
                  )
                }
              />
            </th>
          ) : null}
          <th scope="col">Input</th>
          <th scope="col">Reference output</th>
          <th scope="col" className={styles.wide}>
            Metadata
          </th>
          <th scope="col" className={styles.roomy}>
            Split
          </th>
          <th scope="col" className={styles.wide}>
            <span className="sr">Source and files</span>
          </th>
          <th scope="col" className={cx(styles.number, styles.wide)}>
            Changed
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.id} id={`row-${row.id}`} aria-selected={row.id === current}>
            {onSelect ? (
              <td className={styles.tick}>
                <input
                  type="checkbox"
                  aria-label={`Select ${row.name}`}
                  checked={selected.has(row.id)}
                  onChange={(event) => toggle([row.id], event.target.checked)}
                />
              </td>
            ) : null}
            <td>
              <button type="button" className={cx(styles.text, styles.whole)} onClick={() => onOpen(row)}>
                {line(row.inputs) || "{}"}
              </button>
            </td>
            <td>{row.outputs === null ? <span className={styles.soft}>none</span> : line(row.outputs)}</td>
            <td className={cx(styles.wide, styles.soft)}>
              <Facts example={row} />
            </td>
            <td className={styles.roomy}>
              <span className={styles.tags}>
                {splitsOf(row).map((split) => (
                  <Tag key={split}>{split}</Tag>
                ))}
              </span>
            </td>
            <td className={styles.wide}>
              <Extras example={row} />
            </td>
            <td className={cx(styles.number, styles.wide)} title={at(row.modified_at)}>
              {ago(row.modified_at)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Facts({ example }: { example: Example }) {
  const facts = Object.entries(ownMetadata(example)).map(
    ([key, value]) => `${key} ${typeof value === "string" ? value : printJson(value, 0)}`,
  );
  return facts.join(" · ").slice(0, CHARS);
}

function Extras({ example }: { example: Example }) {
  const files = Object.keys(example.attachment_urls ?? {}).length;
  return (
    <span className={styles.tags}>
      {example.source_run_id ? (
        <SourceTrace runId={example.source_run_id} label="Open the trace it came from">
          <Route size={13} aria-hidden />
        </SourceTrace>
      ) : null}
      {files > 0 ? (
        <span title={plural(files, "file")}>
          <Paperclip size={13} aria-hidden />
          <span className="sr">{plural(files, "file")}</span>
        </span>
      ) : null}
    </span>
  );
}
