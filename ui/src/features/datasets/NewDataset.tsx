import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { createDataset, type Dataset, datasetKey, type DataType, type Role, uploadDataset } from "@/lib/api/datasets";
import { messageOf } from "@/lib/api/client";
import { Dialog } from "@/components/Dialog";
import { type FileColumns, guessRole, readColumns } from "./columns";
import { FormEnd } from "@/components/Form";
import forms from "@/components/Form.module.css";
import styles from "./Form.module.css";

/** A new dataset: empty, or from a table. */
export function NewDataset({ onMade, onClose }: { onMade: (made: Dataset) => void; onClose: () => void }) {
  const id = useId();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [type, setType] = useState<DataType>("kv");
  const [file, setFile] = useState<File | null>(null);
  const [columns, setColumns] = useState<FileColumns | null>(null);
  const [roles, setRoles] = useState<Record<string, Role>>({});
  const [unread, setUnread] = useState<string | null>(null);
  const save = useMutation({
    mutationFn: () => {
      const about = { name: name.trim(), description: description.trim() || undefined, data_type: type };
      if (!file || !columns) return createDataset(about);
      const chosen = columns.ready ? [] : columns.names.map((one): [string, Role] => [one, roles[one] ?? "none"]);
      return uploadDataset(file, about, chosen);
    },
    onSuccess: async (made) => {
      await client.invalidateQueries({ queryKey: datasetKey() });
      onMade(made);
    },
  });
  const choose = async (chosen: File | null) => {
    setFile(chosen);
    setColumns(null);
    setUnread(null);
    save.reset();
    if (!chosen) return;
    if (name === "") setName(chosen.name.replace(/\.[^.]+$/, ""));
    try {
      const found = await readColumns(chosen);
      setColumns(found);
      setRoles(Object.fromEntries(found.names.map((one) => [one, guessRole(one)])));
    } catch (error) {
      setUnread(messageOf(error));
    }
  };
  const noInput = columns !== null && !columns.ready && !Object.values(roles).includes("input");
  const ready =
    name.trim() !== "" && !save.isPending && unread === null && !noInput && (file === null) === (columns === null);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready) save.mutate();
  };
  return (
    <Dialog title="New dataset" width={520} onClose={onClose}>
      <form onSubmit={submit} className={forms.fields}>
        <div className={forms.field}>
          <label htmlFor={`${id}n`}>Name</label>
          <input
            id={`${id}n`}
            value={name}
            autoComplete="off"
            aria-invalid={save.isError || undefined}
            onChange={(event) => {
              save.reset();
              setName(event.target.value);
            }}
          />
        </div>
        <div className={forms.field}>
          <label htmlFor={`${id}d`}>Description</label>
          <textarea
            id={`${id}d`}
            rows={2}
            value={description}
            placeholder="What the examples are, and what they are for"
            onChange={(event) => setDescription(event.target.value)}
          />
        </div>
        <div className={forms.field}>
          <label htmlFor={`${id}f`}>Examples from a file</label>
          <input
            id={`${id}f`}
            type="file"
            accept=".csv,.jsonl,.ndjson"
            onChange={(event) => void choose(event.target.files?.[0] ?? null)}
          />
          {unread ? (
            <p className={forms.bad} role="alert">
              {unread}
            </p>
          ) : (
            <p>
              {columns?.ready
                ? "Each line has inputs, so it is an example as it is."
                : "CSV with names in its first line, or JSON lines. Without a file the dataset starts empty."}
            </p>
          )}
        </div>
        {columns && !columns.ready ? (
          <fieldset className={forms.field}>
            <legend>What each column is</legend>
            <div className={styles.columns}>
              {columns.names.map((one) => (
                <ColumnRole
                  key={one}
                  name={one}
                  role={roles[one] ?? "none"}
                  onChange={(role) => setRoles({ ...roles, [one]: role })}
                />
              ))}
            </div>
            {noInput ? <p className={forms.bad}>At least one column has to be an input.</p> : null}
          </fieldset>
        ) : null}
        <div className={forms.field}>
          <label htmlFor={`${id}t`}>Type</label>
          <select id={`${id}t`} value={type} onChange={(event) => setType(event.target.value as DataType)}>
            <option value="kv">Key-value: any members</option>
            <option value="llm">Text: one text in, one text out</option>
            <option value="chat">Chat: messages in, a message out</option>
          </select>
        </div>
        <FormEnd error={save.error} onCancel={onClose} disabled={!ready}>
          {save.isPending ? "Creating…" : file ? "Import" : "Create dataset"}
        </FormEnd>
      </form>
    </Dialog>
  );
}

function ColumnRole({ name, role, onChange }: { name: string; role: Role; onChange: (role: Role) => void }) {
  const id = useId();
  return (
    <>
      <label htmlFor={id} className="mono ellipsis" title={name}>
        {name}
      </label>
      <select id={id} value={role} onChange={(event) => onChange(event.target.value as Role)}>
        <option value="input">Input</option>
        <option value="output">Output</option>
        <option value="metadata">Metadata</option>
        <option value="none">Leave out</option>
      </select>
    </>
  );
}
