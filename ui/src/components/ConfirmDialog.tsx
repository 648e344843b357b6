import { useMutation } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useId, useState } from "react";
import { FormEnd } from "./Form";
import forms from "./Form.module.css";
import styles from "./ConfirmDialog.module.css";
import { Dialog } from "./Dialog";

interface Props {
  title: string;
  /** What goes, in sentences. */
  children: ReactNode;
  /** The button that does it. */
  action: string;
  /** Has to be typed before the button works. */
  typed?: string;
  /** Nothing can be confirmed yet, or there is nothing to do. */
  disabled?: boolean;
  onConfirm: () => Promise<unknown>;
  /** After it was done. */
  onDone: () => void;
  onClose: () => void;
}

/** Asks before something that cannot be undone, does it, and says when it failed. */
export function ConfirmDialog({ title, children, action, typed, disabled, onConfirm, onDone, onClose }: Props) {
  const id = useId();
  const [name, setName] = useState("");
  const work = useMutation({ mutationFn: onConfirm, onSuccess: onDone });
  const ready = !disabled && (typed === undefined || name === typed) && !work.isPending;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready) work.mutate();
  };
  return (
    <Dialog title={title} width={480} onClose={onClose}>
      <form className={styles.form} onSubmit={submit}>
        <div className={styles.text}>{children}</div>
        {typed === undefined ? null : (
          <div className={forms.field}>
            <label htmlFor={id}>Type {typed} to confirm</label>
            <input
              id={id}
              value={name}
              autoComplete="off"
              autoCapitalize="off"
              spellCheck={false}
              onChange={(event) => setName(event.target.value)}
            />
          </div>
        )}
        <FormEnd error={work.error} onCancel={onClose} disabled={!ready}>
          {work.isPending ? "Deleting…" : action}
        </FormEnd>
      </form>
    </Dialog>
  );
}
