import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { messageOf } from "@/lib/api/client";
import { type Dataset, datasetKey, updateDataset } from "@/lib/api/datasets";
import { Button } from "@/components/Button";
import { Dialog } from "@/components/Dialog";
import styles from "./Form.module.css";

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
      <form onSubmit={submit} className={styles.fields}>
        <div className={styles.field}>
          <label htmlFor={`${id}n`}>Name</label>
          <input id={`${id}n`} value={name} autoComplete="off" onChange={(event) => setName(event.target.value)} />
          <p>Programs that name the dataset have to be changed, too.</p>
        </div>
        <div className={styles.field}>
          <label htmlFor={`${id}d`}>Description</label>
          <textarea
            id={`${id}d`}
            rows={3}
            value={description}
            onChange={(event) => setDescription(event.target.value)}
          />
        </div>
        {save.isError ? (
          <p className={styles.bad} role="alert">
            {messageOf(save.error)}
          </p>
        ) : null}
        <div className={styles.answers}>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" disabled={name.trim() === "" || save.isPending}>
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
