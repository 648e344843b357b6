//! The list without rows: nothing sent yet, or nothing that matches.

import { useQueries, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { SearchX, Send } from "lucide-react";
import { statsQuery } from "@/lib/api/queries";
import { formatInt } from "@/lib/format";
import { Button } from "@/components/Button";
import { EmptyState } from "@/components/Notice";
import { joinTerms, splitTerms } from "./filter";
import styles from "./Nothing.module.css";
import type { Unit } from "./search";
import { rangeLabel } from "@/lib/time-range";

interface Props {
  project: string;
  unit: Unit;
  q: string;
  t: string;
  onFilter: (filter: string) => void;
  onRange: (range: string) => void;
}

/** Terms that are tried for what would match without them. */
const TRIED = 4;

export function Nothing(props: Props) {
  const { project, unit, q, t } = props;
  const everything = useQuery(statsQuery(project, { t: "all", of: unit }));
  if (everything.isPending) return null;
  if (everything.data && everything.data.count === 0) return <NothingYet unit={unit} />;
  return <NothingMatches {...props} key={`${q} ${t}`} total={everything.data?.count ?? null} />;
}

function NothingYet({ unit }: { unit: Unit }) {
  const navigate = useNavigate();
  return (
    <EmptyState
      icon={<Send size={24} aria-hidden />}
      title={`No ${unit} yet`}
      actions={
        <Button look="primary" onClick={() => void navigate({ to: "/setup" })}>
          Send traces
        </Button>
      }
    >
      <p>
        {unit === "traces" ? "Traces" : "Runs"} appear here within a second of being sent. Nothing has been sent to this
        project so far.
      </p>
    </EmptyState>
  );
}

function NothingMatches({ project, unit, q, t, onFilter, onRange, total }: Props & { total: number | null }) {
  const terms = splitTerms(q);
  const without = terms.slice(0, TRIED).map((term) => ({
    term: term.text,
    filter: joinTerms(terms.filter((other) => other !== term)),
  }));
  const counts = useQueries({
    queries: without.map(({ filter }) => statsQuery(project, { q: filter, t, of: unit })),
  });
  const anyTime = useQuery({ ...statsQuery(project, { q, t: "all", of: unit }), enabled: t !== "all" });
  return (
    <EmptyState icon={<SearchX size={24} aria-hidden />} title={`No ${unit} match`}>
      <ul className={styles.ways}>
        {without.map(({ term, filter }, index) => {
          const count = counts[index].data?.count ?? 0;
          return count > 0 ? (
            <li key={term}>
              {formatInt(count)} without
              <Button className="mono" onClick={() => onFilter(filter)}>
                {term}
              </Button>
            </li>
          ) : null;
        })}
        {anyTime.data && anyTime.data.count > 0 ? (
          <li>
            {formatInt(anyTime.data.count)} outside “{rangeLabel(t)}”
            <Button onClick={() => onRange("all")}>Show all time</Button>
          </li>
        ) : null}
        {q !== "" && total !== null ? (
          <li>
            {formatInt(total)} in all
            <Button onClick={() => onFilter("")}>Clear the filter</Button>
          </li>
        ) : null}
      </ul>
    </EmptyState>
  );
}
