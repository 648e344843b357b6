import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { messageOf } from "@/lib/api/client";
import {
  createFeedbackConfig,
  type FeedbackConfig,
  type FeedbackConfigBody,
  updateFeedbackConfig,
} from "@/lib/api/feedback";
import { Dialog } from "@/components/Dialog";
import { Segmented } from "@/components/Segmented";
import { draftOf, type KeyDraft, parseDraft } from "./feedback-key";
import { FormEnd } from "@/components/Form";
import forms from "@/components/Form.module.css";
import styles from "./Settings.module.css";

const TYPES = [
  { value: "continuous", label: "Number" },
  { value: "categorical", label: "Category" },
  { value: "freeform", label: "Text" },
] as const;

interface Props {
  /** Nothing for a new one. */
  config: FeedbackConfig | undefined;
  onSaved: () => void;
  onClose: () => void;
}

export function FeedbackKeyDialog({ config, onSaved, onClose }: Props) {
  const id = useId();
  const [draft, setDraft] = useState(() => draftOf(config));
  const [tried, setTried] = useState(false);
  const parsed = parseDraft(draft);
  const save = useMutation({
    mutationFn: (body: FeedbackConfigBody) => (config ? updateFeedbackConfig(body) : createFeedbackConfig(body)),
    onSuccess: () => {
      onSaved();
      onClose();
    },
  });
  const edit = (patch: Partial<KeyDraft>) => {
    save.reset();
    setDraft({ ...draft, ...patch });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (typeof parsed !== "string") save.mutate(parsed);
  };
  const wrong = save.isError ? messageOf(save.error) : tried && typeof parsed === "string" ? parsed : null;
  return (
    <Dialog title={config ? config.feedback_key : "New feedback key"} width={440} onClose={onClose}>
      <form className={forms.fields} onSubmit={submit} aria-label="Feedback key">
        {config ? null : (
          <div className={forms.field}>
            <label htmlFor={`${id}-key`}>Key</label>
            <input
              id={`${id}-key`}
              className="mono"
              value={draft.key}
              placeholder="correctness"
              autoCapitalize="off"
              spellCheck={false}
              onChange={(event) => edit({ key: event.target.value })}
            />
          </div>
        )}
        <div>
          <Segmented label="Kind of score" value={draft.type} options={TYPES} onChange={(type) => edit({ type })} />
        </div>
        {draft.type === "continuous" ? (
          <div className={styles.fields}>
            <div className={forms.field}>
              <label htmlFor={`${id}-min`}>Least</label>
              <input
                id={`${id}-min`}
                inputMode="decimal"
                placeholder="no bound"
                value={draft.min}
                onChange={(event) => edit({ min: event.target.value })}
              />
            </div>
            <div className={forms.field}>
              <label htmlFor={`${id}-max`}>Most</label>
              <input
                id={`${id}-max`}
                inputMode="decimal"
                placeholder="no bound"
                value={draft.max}
                onChange={(event) => edit({ max: event.target.value })}
              />
            </div>
          </div>
        ) : null}
        {draft.type === "categorical" ? (
          <div className={forms.field}>
            <label htmlFor={`${id}-categories`}>Categories</label>
            <textarea
              id={`${id}-categories`}
              rows={5}
              placeholder={"0 wrong\n1 right"}
              value={draft.categories}
              aria-describedby={`${id}-hint`}
              onChange={(event) => edit({ categories: event.target.value })}
            />
            <p id={`${id}-hint`}>One a line: its score and its name.</p>
          </div>
        ) : null}
        {draft.type === "freeform" ? null : (
          <label className={forms.check}>
            <input
              type="checkbox"
              checked={draft.lowerIsBetter}
              onChange={(event) => edit({ lowerIsBetter: event.target.checked })}
            />
            A lower score is better
          </label>
        )}
        <FormEnd error={wrong} onCancel={onClose} disabled={save.isPending}>
          Save
        </FormEnd>
      </form>
    </Dialog>
  );
}
