import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { type Prompt, updatePrompt } from "@/lib/api/prompts";
import { Dialog } from "@/components/Dialog";
import { AboutFields, aboutOf, bodyOf } from "./AboutFields";
import { FormEnd } from "@/components/Form";
import forms from "@/components/Form.module.css";

interface Props {
  prompt: Prompt;
  onClose: () => void;
  onSaved: () => void;
}

/** Everything about a prompt that is no version of it. */
export function DetailsDialog({ prompt, onClose, onSaved }: Props) {
  const id = useId();
  const [about, setAbout] = useState(() => aboutOf(prompt));
  const [readme, setReadme] = useState(prompt.readme ?? "");
  const save = useMutation({
    mutationFn: () => updatePrompt(prompt.repo_handle, { ...bodyOf(about), readme }),
    onSuccess: () => {
      onSaved();
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <Dialog title={prompt.repo_handle} width={640} onClose={onClose}>
      <form className={forms.fields} onSubmit={submit} aria-label="Description and readme">
        <AboutFields about={about} onChange={setAbout} />
        <div className={forms.field}>
          <label htmlFor={id}>Readme</label>
          <textarea
            id={id}
            className="mono"
            rows={12}
            value={readme}
            onChange={(event) => setReadme(event.target.value)}
          />
          <p>Markdown.</p>
        </div>
        <FormEnd error={save.error} onCancel={onClose} disabled={save.isPending}>
          Save
        </FormEnd>
      </form>
    </Dialog>
  );
}
