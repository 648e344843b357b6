import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ArrowDown, ArrowUp, Plus, X } from "lucide-react";
import { type FormEvent, useEffect, useId, useRef, useState } from "react";
import { createQueue, type Queue, updateQueue } from "@/lib/api/annotation";
import { messageOf } from "@/lib/api/client";
import { feedbackConfigsQuery } from "@/lib/api/feedback";
import { labelsOf } from "@/lib/score";
import { Button, IconButton } from "@/components/Button";
import { blank, draftsOf, type Draft, problemOf, rubricOf } from "./drafts";
import forms from "@/components/Form.module.css";
import styles from "./QueueForm.module.css";

interface Props {
  /** Nothing for a new one. */
  queue: Queue | undefined;
  onClose: () => void;
  onSaved: () => void;
}

/** Name, description and rubric of a queue. */
export function QueueForm({ queue, onClose, onSaved }: Props) {
  const client = useQueryClient();
  const id = useId();
  const [name, setName] = useState(queue?.name ?? "");
  const [description, setDescription] = useState(queue?.description ?? "");
  const [instructions, setInstructions] = useState(queue?.rubric_instructions ?? "");
  const [drafts, setDrafts] = useState<Draft[]>(() => draftsOf(queue?.rubric_items ?? null));
  const [problem, setProblem] = useState<string | null>(null);
  const form = useRef<HTMLFormElement>(null);
  const isNew = queue === undefined;
  useEffect(() => {
    if (isNew) form.current?.querySelector("input")?.focus();
  }, [isNew]);
  const save = useMutation({
    mutationFn: () => {
      const body = {
        name: name.trim(),
        description: description.trim(),
        rubric_instructions: instructions.trim(),
        rubric_items: rubricOf(drafts),
      };
      return queue ? updateQueue(queue.id, body) : createQueue(body);
    },
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["queues"] });
      onSaved();
    },
  });
  const change = (index: number, patch: Partial<Draft>) =>
    setDrafts(drafts.map((draft, k) => (k === index ? { ...draft, ...patch } : draft)));
  const move = (from: number, to: number) => {
    const next = [...drafts];
    next.splice(to, 0, ...next.splice(from, 1));
    setDrafts(next);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const found = name.trim() === "" ? "The queue needs a name." : problemOf(drafts);
    setProblem(found);
    if (found === null) save.mutate();
  };
  return (
    <form ref={form} className={forms.panel} onSubmit={submit} aria-label={queue ? `Queue ${queue.name}` : "New queue"}>
      <header>
        <h2>{queue ? queue.name : "New queue"}</h2>
        <IconButton label="Close the form" keyHint="Esc" onClick={onClose}>
          <X size={15} aria-hidden />
        </IconButton>
      </header>
      <div className={forms.fields}>
        <div className={forms.field}>
          <label htmlFor={`${id}n`}>Name</label>
          <input
            id={`${id}n`}
            value={name}
            placeholder="Refund answers, weekly review"
            onChange={(event) => setName(event.target.value)}
          />
        </div>
        <div className={forms.field}>
          <label htmlFor={`${id}d`}>Description</label>
          <input id={`${id}d`} value={description} onChange={(event) => setDescription(event.target.value)} />
        </div>
        <div className={forms.field}>
          <label htmlFor={`${id}i`}>Instructions</label>
          <textarea
            id={`${id}i`}
            rows={5}
            value={instructions}
            placeholder="What to look for, in Markdown"
            onChange={(event) => setInstructions(event.target.value)}
          />
        </div>
        <h3>Rubric</h3>
        <p className={forms.hint}>
          Each line of the rubric is a feedback key: what people answer becomes feedback under it. Without a rubric a
          queue asks for all keys that the workspace knows.
        </p>
        {drafts.map((draft, index) => (
          <DraftView
            key={draft.id}
            draft={draft}
            first={index === 0}
            last={index === drafts.length - 1}
            onChange={(patch) => change(index, patch)}
            onMove={(by) => move(index, index + by)}
            onRemove={() => setDrafts(drafts.filter((one) => one !== draft))}
          />
        ))}
        <div>
          <Button icon={<Plus size={13} aria-hidden />} onClick={() => setDrafts([...drafts, blank()])}>
            Add a feedback key
          </Button>
        </div>
      </div>
      <footer>
        {(problem ?? save.error) ? (
          <p className={forms.bad} role="alert">
            {problem ?? messageOf(save.error)}
          </p>
        ) : null}
        <span className="grow" />
        <Button onClick={onClose}>Cancel</Button>
        <Button look="primary" type="submit" disabled={save.isPending}>
          {queue ? "Save changes" : "Create queue"}
        </Button>
      </footer>
    </form>
  );
}

interface DraftProps {
  draft: Draft;
  first: boolean;
  last: boolean;
  onChange: (patch: Partial<Draft>) => void;
  onMove: (by: 1 | -1) => void;
  onRemove: () => void;
}

function DraftView({ draft, first, last, onChange, onMove, onRemove }: DraftProps) {
  const id = useId();
  const configs = useQuery(feedbackConfigsQuery()).data ?? [];
  const config = configs.find((one) => one.feedback_key === draft.key.trim());
  const fixed = labelsOf(config);
  const name = draft.key.trim() || "this key";
  return (
    <fieldset className={styles.draft}>
      <legend className="sr">{name}</legend>
      <div className={styles.line}>
        <div className={forms.field}>
          <label htmlFor={`${id}k`}>Feedback key</label>
          <input
            id={`${id}k`}
            list={`${id}l`}
            value={draft.key}
            placeholder="correctness"
            spellCheck={false}
            autoCapitalize="off"
            onChange={(event) => onChange({ key: event.target.value })}
          />
          <datalist id={`${id}l`}>
            {configs.map((one) => (
              <option key={one.feedback_key}>{one.feedback_key}</option>
            ))}
          </datalist>
        </div>
        <IconButton label={`Move ${name} up`} disabled={first} onClick={() => onMove(-1)}>
          <ArrowUp size={13} aria-hidden />
        </IconButton>
        <IconButton label={`Move ${name} down`} disabled={last} onClick={() => onMove(1)}>
          <ArrowDown size={13} aria-hidden />
        </IconButton>
        <IconButton label={`Remove ${name}`} onClick={onRemove}>
          <X size={14} aria-hidden />
        </IconButton>
      </div>
      <div className={forms.field}>
        <label htmlFor={`${id}d`}>Question</label>
        <input
          id={`${id}d`}
          value={draft.description}
          placeholder="Is every fact in the answer right?"
          onChange={(event) => onChange({ description: event.target.value })}
        />
      </div>
      {config && config.feedback_config.type !== "categorical" ? (
        <p className={forms.hint}>
          {config.feedback_config.type === "freeform"
            ? "This key is answered in words."
            : `This key is a number from ${config.feedback_config.min ?? 0} to ${config.feedback_config.max ?? 1}.`}
        </p>
      ) : (
        <div className={forms.field}>
          <label htmlFor={`${id}v`}>Labels</label>
          <textarea
            id={`${id}v`}
            rows={Math.max(2, draft.labels.split("\n").length)}
            value={draft.labels}
            placeholder={
              fixed.length > 0
                ? fixed.map((label) => `${label.text}: what it means`).join("\n")
                : "right: all facts are in the handbook\nwrong: would cost the customer money"
            }
            onChange={(event) => onChange({ labels: event.target.value })}
          />
          <p className={forms.hint}>
            {fixed.length > 0
              ? `The workspace knows the labels of this key: ${fixed.map((label) => label.text).join(", ")}. Say here what they mean.`
              : "One a line, with what it means behind a colon. Without labels the key is answered good or bad."}
          </p>
        </div>
      )}
      <label className={forms.check}>
        <input
          type="checkbox"
          checked={draft.required}
          onChange={(event) => onChange({ required: event.target.checked })}
        />
        Has to be answered
      </label>
    </fieldset>
  );
}
