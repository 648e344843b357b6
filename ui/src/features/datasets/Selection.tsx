import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Split, Trash2, X } from "lucide-react";
import { type FormEvent, useId, useState } from "react";
import { messageOf } from "@/lib/api/client";
import { datasetKey, deleteExamples, setSplit } from "@/lib/api/datasets";
import { plural } from "@/lib/format";
import { Button, IconButton } from "@/components/Button";
import { ConfirmDialog } from "@/components/ConfirmDialog";
import { Dialog } from "@/components/Dialog";
import forms from "@/components/Form.module.css";

interface Props {
  dataset: string;
  ids: string[];
  splits: string[];
  /** Done; the selection stays when `keep`. */
  onDone: (keep: boolean) => void;
}

/** What can be done with the examples that are selected. */
export function Selection({ dataset, ids, splits, onDone }: Props) {
  const client = useQueryClient();
  const [doing, setDoing] = useState<"split" | "delete" | null>(null);
  const changed = (keep: boolean) => {
    setDoing(null);
    onDone(keep);
    void client.invalidateQueries({ queryKey: datasetKey() });
  };
  return (
    <>
      <b className="num">{plural(ids.length, "example")} selected</b>
      <Button icon={<Split size={13} aria-hidden />} onClick={() => setDoing("split")}>
        Split
      </Button>
      <Button icon={<Trash2 size={13} aria-hidden />} onClick={() => setDoing("delete")}>
        Delete
      </Button>
      <IconButton label="Select nothing" onClick={() => onDone(false)}>
        <X size={14} aria-hidden />
      </IconButton>
      {doing === "split" ? (
        <SplitDialog
          dataset={dataset}
          ids={ids}
          splits={splits}
          onDone={() => changed(true)}
          onClose={() => setDoing(null)}
        />
      ) : null}
      {doing === "delete" ? (
        <ConfirmDialog
          title={`Delete ${plural(ids.length, "example")}?`}
          action="Delete"
          onConfirm={() => deleteExamples(ids)}
          onDone={() => changed(false)}
          onClose={() => setDoing(null)}
        >
          <p>They go from the newest version. Older versions, and experiments that ran on them, keep them.</p>
        </ConfirmDialog>
      ) : null}
    </>
  );
}

interface SplitProps {
  dataset: string;
  ids: string[];
  splits: string[];
  onDone: () => void;
  onClose: () => void;
}

function SplitDialog({ dataset, ids, splits, onDone, onClose }: SplitProps) {
  const id = useId();
  const [name, setName] = useState("");
  const work = useMutation({
    mutationFn: (remove: boolean) => setSplit(dataset, name.trim(), ids, remove),
    onSuccess: onDone,
  });
  const ready = name.trim() !== "" && !work.isPending;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready) work.mutate(false);
  };
  return (
    <Dialog title={`Split of ${plural(ids.length, "example")}`} width={420} onClose={onClose}>
      <form onSubmit={submit}>
        <div className={forms.field}>
          <label htmlFor={id}>Name of the split</label>
          <input
            id={id}
            list={`${id}list`}
            value={name}
            autoComplete="off"
            placeholder="test"
            onChange={(event) => setName(event.target.value)}
          />
          <datalist id={`${id}list`}>
            {splits.map((split) => (
              <option key={split} value={split}>
                {split}
              </option>
            ))}
          </datalist>
          <p>An example can be in several splits.</p>
        </div>
        {work.isError ? (
          <p className={forms.bad} role="alert">
            {messageOf(work.error)}
          </p>
        ) : null}
        <div className={forms.answers}>
          <Button disabled={!ready || !splits.includes(name.trim())} onClick={() => work.mutate(true)}>
            Take out
          </Button>
          <Button look="primary" type="submit" disabled={!ready}>
            Put in
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
