import { useMutation, useQueryClient } from "@tanstack/react-query";
import { X } from "lucide-react";
import { type FormEvent, useEffect, useId, useRef, useState } from "react";
import { messageOf } from "@/lib/api/client";
import {
  createExample,
  type Dataset,
  datasetKey,
  type Example,
  ownMetadata,
  splitsOf,
  updateExample,
} from "@/lib/api/datasets";
import { printJson } from "@/lib/api/json";
import { cx } from "@/lib/cx";
import { keyLabel } from "@/lib/keys";
import { Button, IconButton } from "@/components/Button";
import page from "./DatasetPage.module.css";
import forms from "@/components/Form.module.css";
import styles from "./Form.module.css";
import { readObject, readSplits } from "./json-field";

interface Props {
  dataset: Dataset;
  /** Null for a new one. */
  example: Example | null;
  /** Splits that are there already. */
  splits: string[];
  onClose: () => void;
  onSaved: (saved: Example) => void;
}

const START = { kv: '{\n  "question": ""\n}', llm: '{\n  "input": ""\n}', chat: '{\n  "messages": []\n}' };

/** An example as JSON, checked while it is written; what the server says about it stands below. */
export function ExampleForm({ dataset, example, splits, onClose, onSaved }: Props) {
  const id = useId();
  const client = useQueryClient();
  const [inputs, setInputs] = useState(example ? printJson(example.inputs) : START[dataset.data_type]);
  const [outputs, setOutputs] = useState(example?.outputs ? printJson(example.outputs) : "");
  const known = example ? ownMetadata(example) : {};
  const [metadata, setMetadata] = useState(Object.keys(known).length > 0 ? printJson(known) : "");
  const [split, setSplit] = useState(example ? splitsOf(example).join(", ") : "");
  const written = { inputs: readObject(inputs), outputs: readObject(outputs), metadata: readObject(metadata) };
  const save = useMutation({
    mutationFn: () => {
      const value = (part: keyof typeof written) => ("value" in written[part] ? written[part].value : null);
      const body = {
        inputs: value("inputs") ?? {},
        outputs: value("outputs"),
        metadata: value("metadata") ?? {},
        split: readSplits(split),
      };
      return example ? updateExample(example.id, body) : createExample(dataset.id, body);
    },
    onSuccess: async (saved) => {
      await client.invalidateQueries({ queryKey: datasetKey() });
      onSaved(saved);
    },
  });
  const hasProblem = Object.values(written).some((part) => "problem" in part);
  // The server takes a missing output for one that stays as it is.
  const cannotEmpty = example?.outputs != null && "value" in written.outputs && written.outputs.value === null;
  const ready = !hasProblem && !cannotEmpty && !save.isPending;
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => form.current?.querySelector("textarea")?.focus(), []);
  const submit = (event?: FormEvent) => {
    event?.preventDefault();
    if (ready) save.mutate();
  };
  const field = (
    name: keyof typeof written,
    label: string,
    text: string,
    set: (text: string) => void,
    hint: string,
  ) => {
    const part = written[name];
    const problem =
      "problem" in part
        ? part.problem
        : name === "outputs" && cannotEmpty
          ? "A reference cannot be taken away again; {} is an empty one."
          : null;
    return (
      <div className={forms.field}>
        <label htmlFor={id + name}>{label}</label>
        <textarea
          id={id + name}
          className={styles.json}
          rows={Math.min(18, Math.max(3, text.split("\n").length))}
          spellCheck={false}
          autoCapitalize="off"
          value={text}
          aria-invalid={problem !== null || undefined}
          aria-describedby={`${id}${name}-hint`}
          onChange={(event) => {
            save.reset();
            set(event.target.value);
          }}
        />
        <p id={`${id}${name}-hint`} className={cx(problem !== null && forms.bad)}>
          {problem ?? hint}
        </p>
      </div>
    );
  };
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- keys of its fields
    <form
      ref={form}
      className={page.pane}
      aria-label={example ? `Edit ${example.name}` : "New example"}
      onSubmit={submit}
      onKeyDown={(event) => {
        if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) submit(event);
      }}
    >
      <header>
        <h2>{example ? `Edit ${example.name}` : "New example"}</h2>
        <span className="grow" />
        <IconButton label="Close without saving" onClick={onClose}>
          <X size={15} aria-hidden />
        </IconButton>
      </header>
      <div className={page.content}>
        {field("inputs", "Input", inputs, setInputs, "What your app is given, as a JSON object.")}
        {field(
          "outputs",
          "Reference output",
          outputs,
          setOutputs,
          "What it should answer. Leave it empty when nobody knows.",
        )}
        {field("metadata", "Metadata", metadata, setMetadata, "Anything to filter by later, as a JSON object.")}
        <div className={forms.field}>
          <label htmlFor={`${id}split`}>Splits</label>
          <input
            id={`${id}split`}
            value={split}
            placeholder="base"
            list={`${id}splits`}
            autoComplete="off"
            onChange={(event) => setSplit(event.target.value)}
          />
          <datalist id={`${id}splits`}>
            {splits.map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </datalist>
          <p>Names with commas between them. Without one the example is in base.</p>
        </div>
      </div>
      <footer className={page.foot}>
        {save.isError ? (
          <p className={page.bad} role="alert">
            {messageOf(save.error)}
          </p>
        ) : null}
        <span className="grow" />
        <Button onClick={onClose}>Cancel</Button>
        <Button look="primary" type="submit" disabled={!ready} title={keyLabel("Mod+Enter")}>
          {save.isPending ? "Saving…" : example ? "Save" : "Add example"}
        </Button>
      </footer>
    </form>
  );
}
