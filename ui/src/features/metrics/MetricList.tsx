//! The metrics of a project, to choose one.

import { Link } from "@tanstack/react-router";
import { Search } from "lucide-react";
import { type RefObject, useEffect, useRef } from "react";
import type { Metric } from "@/lib/api/telemetry";
import { cx } from "@/lib/cx";
import { formatAgo, formatInstant, formatTokens, plural } from "@/lib/format";
import { Keys } from "@/components/Keys";
import { Tag } from "@/components/Tag";
import { kindLabel } from "./kinds";
import { unitWord } from "./measure";
import styles from "./MetricList.module.css";
import { searchFor } from "./pick";
import type { MetricsSearch } from "./search";

/** Fewer names need no filter. */
const FILTER_ABOVE = 6;

interface Props {
  project: string;
  /** All of them, for the count; `shown` are those that match the text. */
  all: readonly Metric[];
  shown: readonly Metric[];
  current: Metric | undefined;
  search: MetricsSearch;
  onFind: (find: string) => void;
  inputRef: RefObject<HTMLInputElement | null>;
}

export function MetricList({ project, all, shown, current, search, onFind, inputRef }: Props) {
  const list = useRef<HTMLUListElement>(null);
  const name = current?.name;
  useEffect(() => {
    list.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  }, [name]);
  return (
    <nav className={styles.pane} aria-label="Metrics">
      {all.length > FILTER_ABOVE ? (
        <label className={styles.find}>
          <Search size={13} aria-hidden />
          <span className="sr">Find a metric</span>
          <input
            ref={inputRef}
            value={search.find ?? ""}
            placeholder={`Find among ${all.length}`}
            spellCheck={false}
            autoComplete="off"
            onChange={(event) => onFind(event.target.value)}
            onKeyDown={(event) => {
              if (event.key !== "Escape") return;
              event.preventDefault();
              onFind("");
              event.currentTarget.blur();
            }}
          />
          {search.find ? null : <Keys name="/" />}
        </label>
      ) : null}
      <ul className={styles.list} ref={list}>
        {shown.map((metric) => (
          <li key={metric.name}>
            <Link
              to="/p/$project/metrics"
              params={{ project }}
              search={searchFor(search, current, metric)}
              className={cx(styles.item, metric.name === name && styles.current)}
              aria-current={metric.name === name || undefined}
              activeOptions={{ exact: true, includeSearch: true }}
              title={metric.description ?? undefined}
            >
              <span className={styles.name}>{metric.name}</span>
              <span className={styles.facts}>
                <Tag>{kindLabel(metric.kind)}</Tag>
                <span>{unitWord(metric.unit)}</span>
                <span className="grow" />
                <span className="num" title={`last at ${formatInstant(metric.last_time)}`}>
                  {formatTokens(metric.points)} {plural(metric.points, "point").replace(/^\S+ /, "")},{" "}
                  {formatAgo(metric.last_time)}
                </span>
              </span>
            </Link>
          </li>
        ))}
        {shown.length === 0 ? <li className={styles.none}>No metric has “{search.find}” in its name.</li> : null}
      </ul>
    </nav>
  );
}
