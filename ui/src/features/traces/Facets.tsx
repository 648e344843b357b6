//! Values that occur, with counts. The counts of a facet leave its own filter out, so that one can switch.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type MouseEvent, useState } from "react";
import { isBadFilter } from "@/lib/api/client";
import { facetsQuery } from "@/lib/api/queries";
import type { Facet } from "@/lib/api/types";
import { cx } from "@/lib/cx";
import { formatInt } from "@/lib/format";
import { shownValue } from "@/lib/visible-text";
import { filterField } from "./completion";
import styles from "./Facets.module.css";
import { type PickMode, pickedState, splitTerms, type Term } from "./filter";

const TITLES: Record<string, string> = {
  status: "Status",
  name: "Name",
  model: "Model",
  environment: "Environment",
  user: "User",
  tag: "Tag",
  service: "Service",
  type: "Type",
};
const STATUS: Record<string, { label: string; dot: string }> = {
  success: { label: "ok", dot: styles.ok },
  error: { label: "failed", dot: styles.failed },
  pending: { label: "running", dot: styles.running },
};
const SHORT = 7;

interface Props {
  project: string;
  q: string;
  t: string;
  onPick: (field: string, value: string, how: PickMode) => void;
}

export function Facets({ project, q, t, onPick }: Props) {
  const query = useQuery({ ...facetsQuery(project, { q, t }), placeholderData: keepPreviousData });
  const terms = splitTerms(q);
  return (
    <aside className={styles.facets} aria-label="Facets">
      {query.data?.map((facet) =>
        facet.values.length > 0 ? <Section key={facet.field} facet={facet} terms={terms} onPick={onPick} /> : null,
      )}
      {query.isError && !query.data && !isBadFilter(query.error) ? (
        <p className={styles.note}>
          Facets could not be loaded.{" "}
          <button type="button" onClick={() => void query.refetch()}>
            Retry
          </button>
        </p>
      ) : null}
      {query.data?.some((facet) => facet.values.length > 0) ? (
        <p className={styles.note}>
          <kbd>⇧</kbd> click adds, <kbd>⌥</kbd> click excludes
        </p>
      ) : null}
    </aside>
  );
}

const howOf = (event: MouseEvent): PickMode => (event.altKey ? "exclude" : event.shiftKey ? "add" : "only");

function Section({ facet, terms, onPick }: { facet: Facet; terms: Term[]; onPick: Props["onPick"] }) {
  const [all, setAll] = useState(false);
  const field = filterField(facet.field);
  const shown = all ? facet.values : facet.values.slice(0, SHORT);
  const max = Math.max(1, ...facet.values.map((item) => item.count));
  return (
    <section>
      <h2>{TITLES[facet.field] ?? facet.field}</h2>
      {shown.map(({ value, count }) => {
        const state = pickedState(terms, field, value);
        const status = facet.field === "status" ? STATUS[value] : undefined;
        return (
          <button
            key={value}
            type="button"
            className={cx(styles.value, state === "excluded" && styles.excluded)}
            aria-pressed={state === "wanted"}
            title={shownValue(value)}
            onClick={(event) => onPick(field, value, howOf(event))}
          >
            <i style={{ width: `${(count / max) * 100}%` }} />
            {status ? <span className={cx(styles.dot, status.dot)} /> : null}
            <span className={styles.label}>{status?.label ?? shownValue(value)}</span>
            <span className="sr">{state === "excluded" ? " excluded, " : ", "}</span>
            <span className={styles.count}>{formatInt(count)}</span>
          </button>
        );
      })}
      {facet.values.length > SHORT ? (
        <button type="button" className={styles.toggle} aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? "Fewer" : `${facet.values.length - SHORT} more`}
        </button>
      ) : null}
    </section>
  );
}
