import { useQuery, useQueryClient } from "@tanstack/react-query";
import { PencilLine, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { messageOf } from "@/lib/api/client";
import { deleteFeedbackConfig, type FeedbackConfig, feedbackConfigsQuery } from "@/lib/api/feedback";
import { Button, IconButton } from "@/components/Button";
import { ConfirmDialog } from "@/components/ConfirmDialog";
import { meaningOf } from "./feedback-key";
import { FeedbackKeyDialog } from "./FeedbackKeyDialog";
import styles from "./Settings.module.css";

/** What the scores of each key mean: for the forms that ask for feedback, and for which experiment is better. */
export function FeedbackKeys() {
  const client = useQueryClient();
  const query = useQuery(feedbackConfigsQuery());
  const [editing, setEditing] = useState<FeedbackConfig | "new" | null>(null);
  const [leaving, setLeaving] = useState<FeedbackConfig | null>(null);
  const refresh = () => void client.invalidateQueries({ queryKey: ["feedback-configs"] });
  return (
    <section className={styles.section} aria-labelledby="feedback-title">
      <h2 id="feedback-title">Feedback keys</h2>
      <p>
        What the scores of a key mean, in all projects of the workspace: forms that ask for feedback offer just that,
        and comparisons of experiments know which score is better. Clients may send keys that are not here.
      </p>
      {query.isError ? (
        <p className={styles.failed} role="alert">
          {messageOf(query.error)}
        </p>
      ) : null}
      {query.data && query.data.length > 0 ? (
        <table className={styles.keys}>
          <thead>
            <tr>
              <th scope="col">Key</th>
              <th scope="col">Scores</th>
              <th scope="col">Better</th>
              <th scope="col">
                <span className="sr">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {query.data.map((config) => (
              <tr key={config.feedback_key}>
                <td className="mono">{config.feedback_key}</td>
                <td>{meaningOf(config)}</td>
                <td>
                  {config.feedback_config.type === "freeform" ? "" : config.is_lower_score_better ? "lower" : "higher"}
                </td>
                <td>
                  <IconButton label={`Edit ${config.feedback_key}`} onClick={() => setEditing(config)}>
                    <PencilLine size={13} aria-hidden />
                  </IconButton>
                  <IconButton label={`Delete ${config.feedback_key}`} onClick={() => setLeaving(config)}>
                    <Trash2 size={13} aria-hidden />
                  </IconButton>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : null}
      <p className={styles.line}>
        <Button icon={<Plus size={13} aria-hidden />} onClick={() => setEditing("new")}>
          New feedback key
        </Button>
      </p>
      {editing ? (
        <FeedbackKeyDialog
          config={editing === "new" ? undefined : editing}
          onSaved={refresh}
          onClose={() => setEditing(null)}
        />
      ) : null}
      {leaving ? (
        <ConfirmDialog
          title={`Delete what ${leaving.feedback_key} means?`}
          action="Delete"
          onConfirm={() => deleteFeedbackConfig(leaving.feedback_key)}
          onDone={() => {
            refresh();
            setLeaving(null);
          }}
          onClose={() => setLeaving(null)}
        >
          <p>
            Feedback that was given under {leaving.feedback_key} stays; forms do not offer the key any more, and a
            higher score counts as better.
          </p>
        </ConfirmDialog>
      ) : null}
    </section>
  );
}
