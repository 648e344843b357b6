import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useId, useState } from "react";
import { createPrompt } from "@/lib/api/prompts";
import { Dialog } from "@/components/Dialog";
import { AboutFields, aboutOf, bodyOf } from "./AboutFields";
import { FormEnd } from "@/components/Form";
import forms from "@/components/Form.module.css";

/** Makes a prompt and goes to its page, where the first version is written. */
export function NewPrompt({ project, onClose }: { project: string; onClose: () => void }) {
  const id = useId();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const [about, setAbout] = useState(aboutOf);
  const make = useMutation({
    mutationFn: () => createPrompt({ repo_handle: name.trim(), ...bodyOf(about) }),
    onSuccess: async ({ repo }) => {
      await client.invalidateQueries({ queryKey: ["prompts"] });
      const params = { project, name: repo.repo_handle };
      await navigate({ to: "/p/$project/prompts/$name", params, search: { edit: true } });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() !== "") make.mutate();
  };
  return (
    <Dialog title="New prompt" width={480} onClose={onClose}>
      <form className={forms.fields} onSubmit={submit} aria-label="New prompt">
        <div className={forms.field}>
          <label htmlFor={id}>Name</label>
          <input
            id={id}
            className="mono"
            value={name}
            placeholder="support-reply"
            autoComplete="off"
            autoCapitalize="off"
            spellCheck={false}
            aria-describedby={`${id}-hint`}
            aria-invalid={make.isError}
            onChange={(event) => {
              make.reset();
              setName(event.target.value);
            }}
          />
          <p id={`${id}-hint`}>Programs pull it by this name. It cannot be changed.</p>
        </div>
        <AboutFields about={about} onChange={setAbout} />
        <FormEnd error={make.error} onCancel={onClose} disabled={name.trim() === "" || make.isPending}>
          Write the first version
        </FormEnd>
      </form>
    </Dialog>
  );
}
