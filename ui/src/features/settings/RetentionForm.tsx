import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { messageOf } from "@/lib/api/client";
import { putRetention, type Retention } from "@/lib/api/deletion";
import { formatBytes, formatDateTime, formatInt, plural } from "@/lib/format";
import { Button } from "@/components/Button";
import { ConfirmDialog } from "@/components/ConfirmDialog";
import { type Draft, draftOf, isSame, isTighter, lossText, parseDraft } from "./limits";
import forms from "@/components/Form.module.css";
import styles from "./Settings.module.css";

/** How long the project is kept, and what that took away last. */
export function RetentionForm({ project, retention }: { project: string; retention: Retention }) {
  const client = useQueryClient();
  const [draft, setDraft] = useState(() => draftOf(retention));
  const [asking, setAsking] = useState(false);
  const { limits, wrong } = parseDraft(draft);
  const saved = isSame(limits, retention) && wrong.size === 0;
  const put = async () => client.setQueryData(["retention", project], await putRetention(project, limits));
  const save = useMutation({ mutationFn: put });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (saved || wrong.size > 0) return;
    if (isTighter(limits, retention)) setAsking(true);
    else save.mutate();
  };
  const input = (name: keyof Draft) => ({
    value: draft[name],
    bad: wrong.has(name),
    onChange: (text: string) => {
      save.reset();
      setDraft({ ...draft, [name]: text });
    },
  });
  return (
    <section className={styles.section} aria-labelledby="retention-title">
      <h2 id="retention-title">Retention</h2>
      <p>
        The runs of {project} take <b>{formatBytes(retention.disk_bytes)}</b> on the disk (
        {formatInt(retention.disk_runs)} runs; what is in memory only is not counted). An empty field is no limit.
      </p>
      <form className={forms.fields} onSubmit={submit} aria-label="Retention">
        <div className={styles.fields}>
          <Field
            label="Keep payloads, days"
            hint="Inputs, outputs, attributes and events, counted from when the server received the run. Names, times, tokens and cost stay. Looked at once a day."
            {...input("payloadDays")}
          />
          <Field
            label="Keep runs, days"
            hint="Counted from when the server last heard of the trace, not from when it ran. Log records and metric points go with this age, too."
            {...input("runDays")}
          />
          <Field
            label="Keep at most, GB"
            hint="The oldest traces go when the runs take more on the disk."
            {...input("maxGigabytes")}
          />
        </div>
        {save.isError ? (
          <p className={styles.failed} role="alert">
            {messageOf(save.error)}
          </p>
        ) : null}
        <p className={styles.line}>
          <Button look="primary" type="submit" disabled={saved || wrong.size > 0 || save.isPending}>
            {saved ? "Saved" : "Save retention"}
          </Button>
        </p>
      </form>
      {retention.removed ? <Removed removed={retention.removed} /> : null}
      {asking ? (
        <ConfirmDialog
          title="Delete what is beyond the limits?"
          action="Save retention"
          onConfirm={put}
          onDone={() => setAsking(false)}
          onClose={() => setAsking(false)}
        >
          <p>{lossText(project, limits, retention)}</p>
        </ConfirmDialog>
      ) : null}
    </section>
  );
}

function Removed({ removed }: { removed: NonNullable<Retention["removed"]> }) {
  const { at, expired, displaced } = removed;
  const told = [
    expired.traces > 0 || expired.log_records > 0 || expired.metric_points > 0
      ? `${plural(expired.traces, "trace")}, ${plural(expired.log_records, "log record")} and ${plural(
          expired.metric_points,
          "metric point",
        )} for their age`
      : null,
    displaced.traces > 0 ? `${plural(displaced.traces, "trace")} for room` : null,
  ].filter(Boolean);
  return (
    <p role="status">
      Last removed, {formatDateTime(at)}: {told.join("; ")}.
    </p>
  );
}

interface FieldProps {
  label: string;
  hint: string;
  value: string;
  bad: boolean;
  onChange: (text: string) => void;
}

function Field({ label, hint, value, bad, onChange }: FieldProps) {
  const id = useId();
  return (
    <div className={forms.field}>
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        inputMode="decimal"
        placeholder="no limit"
        value={value}
        aria-invalid={bad}
        aria-describedby={`${id}-hint`}
        onChange={(event) => onChange(event.target.value)}
      />
      <p id={`${id}-hint`} className={bad ? styles.failed : undefined}>
        {bad ? "A number above zero, or nothing." : hint}
      </p>
    </div>
  );
}
