import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Trash2 } from "lucide-react";
import { useState } from "react";
import { type Comparison, comparisonsQuery, deleteComparison, preferencesQuery } from "@/lib/api/experiments";
import { formatInt } from "@/lib/format";
import { tallyPreferences } from "@/lib/preferences";
import { IconButton } from "@/components/Button";
import { ConfirmDialog } from "@/components/ConfirmDialog";
import own from "./Experiments.module.css";
import styles from "@/components/Table.module.css";
import { ago, at } from "./time";

/** Which of two answers was preferred. */
export function Pairwise(props: { project: string; dataset: string; comparisons: Comparison[] }) {
  const { project, dataset, comparisons } = props;
  const client = useQueryClient();
  const [leaving, setLeaving] = useState<Comparison | null>(null);
  return (
    <section className={own.pairwise}>
      <h2>Pairwise comparisons</h2>
      <ul>
        {comparisons.map((comparison) => (
          <li key={comparison.id}>
            <Link
              to="/p/$project/datasets/$datasetId/compare"
              params={{ project, datasetId: dataset }}
              search={{ ids: comparison.experiments_info.map((one) => one.id).join(","), comparative: comparison.id }}
              className={styles.name}
            >
              {comparison.name ?? "Comparison"}
            </Link>
            <span className={styles.soft} title={at(comparison.created_at)}>
              {ago(comparison.created_at)}
            </span>
            <IconButton
              className={own.delete}
              label={`Delete ${comparison.name ?? "the comparison"}`}
              onClick={() => setLeaving(comparison)}
            >
              <Trash2 size={13} aria-hidden />
            </IconButton>
            {comparison.description ? <p className={own.about}>{comparison.description}</p> : null}
            <Preferences comparison={comparison} />
          </li>
        ))}
      </ul>
      {leaving ? (
        <ConfirmDialog
          title={`Delete ${leaving.name ?? "the comparison"}?`}
          action="Delete comparison"
          onConfirm={() => deleteComparison(leaving.id)}
          onDone={() => {
            setLeaving(null);
            void client.invalidateQueries({ queryKey: comparisonsQuery(dataset).queryKey });
          }}
          onClose={() => setLeaving(null)}
        >
          <p>The experiments and their scores stay. This cannot be undone.</p>
        </ConfirmDialog>
      ) : null}
    </section>
  );
}

function Preferences({ comparison }: { comparison: Comparison }) {
  const query = useQuery(preferencesQuery(comparison.id));
  if (!query.data) return null;
  const { wins, ties, total } = tallyPreferences(query.data);
  const share = (count: number): string => `${total === 0 ? 0 : (count / total) * 100}%`;
  return (
    <dl className={own.wins}>
      {comparison.experiments_info.map(({ id, name }, index) => (
        <div key={id}>
          <dt className="ellipsis">{name ?? id}</dt>
          <dd>
            <span className={own.win}>
              <i data-first={index === 0} style={{ width: share(wins.get(id) ?? 0) }} />
            </span>
            preferred {formatInt(wins.get(id) ?? 0)} of {formatInt(total)}
          </dd>
        </div>
      ))}
      {ties > 0 ? (
        <div>
          <dt className={styles.soft}>No preference</dt>
          <dd>
            <span className={own.win}>
              <i style={{ width: share(ties) }} />
            </span>
            {formatInt(ties)}
          </dd>
        </div>
      ) : null}
    </dl>
  );
}
