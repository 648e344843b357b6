import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { type Dataset, datasetKey, updateDataset } from "@/lib/api/datasets";
import { Dialog } from "@/components/Dialog";
import { FormEnd } from "@/components/Form";
import forms from "@/components/Form.module.css";

/** What a dataset is called and what it is for. */
export function EditDataset({ dataset, onClose }: { dataset: Dataset; onClose: () => void }) {
  const id = useId();
  const client = useQueryClient();
  const [name, setName] = useState(dataset.name);
  const [description, setDescription] = useState(dataset.description ?? "");
  const save = useMutation({
    mutationFn: () => updateDataset(dataset.id, { name: name.trim(), description: description.trim() }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: datasetKey() });
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <Dialog title="Name and description" width={480} onClose={onClose}>
      <form onSubmit={submit} className={forms.fields}>
        <div className={forms.field}>
          <label htmlFor={`${id}n`}>Name</label>
          <input id={`${id}n`} value={name} autoComplete="off" onChange={(event) => setName(event.target.value)} />
          <p>Programs that name the dataset have to be changed, too.</p>
        </div>
        <div className={forms.field}>
          <label htmlFor={`${id}d`}>Description</label>
          <textarea
            id={`${id}d`}
            rows={3}
            value={description}
            onChange={(event) => setDescription(event.target.value)}
          />
        </div>
        <FormEnd error={save.error} onCancel={onClose} disabled={name.trim() === "" || save.isPending}>
          Save
        </FormEnd>
      </form>
    </Dialog>
  );
}
