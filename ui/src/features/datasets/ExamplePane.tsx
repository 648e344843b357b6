import { useQueryClient } from "@tanstack/react-query";
import { Pencil, Trash2, X } from "lucide-react";
import { useState } from "react";
import {
  type Dataset,
  datasetKey,
  deleteExamples,
  type Example,
  type ExampleFile,
  ownMetadata,
  splitsOf,
} from "@/lib/api/datasets";
import { messageOf } from "@/lib/api/client";
import { baseUrl } from "@/lib/boot";
import { useCommands } from "@/lib/commands";
import { formatBytes } from "@/lib/format";
import { Button, IconButton } from "@/components/Button";
import { ConfirmDialog } from "@/components/ConfirmDialog";
import { CopyButton } from "@/components/CopyButton";
import { Tag } from "@/components/Tag";
import { ValueView } from "@/components/ValueView";
import styles from "./DatasetPage.module.css";
import { ExampleForm } from "./ExampleForm";
import { SourceTrace } from "./SourceTrace";
import { at } from "./time";

interface Props {
  project: string;
  dataset: Dataset;
  /** Not there yet, or not at all. */
  example: Example | undefined;
  error: unknown;
  splits: string[];
  readOnly: boolean;
  onClose: () => void;
}

/** One example: to read, to change, to delete. */
export function ExamplePane({ dataset, example, error, splits, readOnly, onClose }: Props) {
  const client = useQueryClient();
  const [doing, setDoing] = useState<"read" | "edit" | "delete">("read");
  useCommands([
    {
      id: "edit",
      title: "Edit the example",
      group: "Examples",
      keys: ["e"],
      when: () => !readOnly && example !== undefined,
      run: () => setDoing("edit"),
    },
  ]);
  if (!example)
    return (
      <aside className={styles.pane} aria-label="Example">
        <header>
          <h2>Example</h2>
          <span className="grow" />
          <Close onClose={onClose} />
        </header>
        <div className={styles.content}>
          <p className={styles.bad} role="alert">
            {messageOf(error)}
          </p>
        </div>
      </aside>
    );
  if (doing === "edit")
    return (
      <ExampleForm
        dataset={dataset}
        example={example}
        splits={splits}
        onClose={() => setDoing("read")}
        onSaved={() => setDoing("read")}
      />
    );
  return (
    <aside className={styles.pane} aria-label={`Example ${example.name}`}>
      <header>
        <h2>
          Example <span className="mono">{example.name}</span>
        </h2>
        <CopyButton text={example.id} label="Copy the id of the example" />
        <span className="grow" />
        {readOnly ? null : (
          <>
            <Button icon={<Pencil size={13} aria-hidden />} onClick={() => setDoing("edit")} title="E">
              Edit
            </Button>
            <IconButton label="Delete the example" onClick={() => setDoing("delete")}>
              <Trash2 size={14} aria-hidden />
            </IconButton>
          </>
        )}
        <Close onClose={onClose} />
      </header>
      <div className={styles.content}>
        <section>
          <h3>Input</h3>
          <ValueView label="Input" value={example.inputs} />
        </section>
        <section>
          <h3>Reference output</h3>
          {example.outputs === null ? (
            <p className={styles.soft}>None: evaluators see only the input and what your app answers.</p>
          ) : (
            <ValueView label="Reference output" value={example.outputs} />
          )}
        </section>
        <Files example={example} />
        {Object.keys(ownMetadata(example)).length > 0 ? (
          <section>
            <h3>Metadata</h3>
            <ValueView label="Metadata" value={ownMetadata(example)} />
          </section>
        ) : null}
        <Facts example={example} />
      </div>
      {doing === "delete" ? (
        <ConfirmDialog
          title="Delete this example?"
          action="Delete example"
          onConfirm={() => deleteExamples([example.id])}
          onDone={() => {
            onClose();
            void client.invalidateQueries({ queryKey: datasetKey() });
          }}
          onClose={() => setDoing("read")}
        >
          <p>It goes from the newest version. Older versions, and experiments that ran on it, keep it.</p>
        </ConfirmDialog>
      ) : null}
    </aside>
  );
}

const Close = ({ onClose }: { onClose: () => void }) => (
  <IconButton label="Close the example" keyHint="Esc" onClick={onClose}>
    <X size={15} aria-hidden />
  </IconButton>
);

function Facts({ example }: { example: Example }) {
  return (
    <dl className={styles.facts}>
      <dt>Splits</dt>
      <dd>
        {splitsOf(example).map((split) => (
          <Tag key={split}>{split}</Tag>
        ))}
      </dd>
      <dt>Made</dt>
      <dd>{at(example.created_at)}</dd>
      <dt>Changed</dt>
      <dd>{at(example.modified_at)}</dd>
      {example.source_run_id ? (
        <>
          <dt>Came from</dt>
          <dd>
            <SourceTrace runId={example.source_run_id} label="Open the trace" />
          </dd>
        </>
      ) : null}
    </dl>
  );
}

/** Only these are drawn; anything else is offered as a file. */
const PICTURE = /^image\/(?:png|jpe?g|gif|webp|avif)$/;

function Files({ example }: { example: Example }) {
  const files = Object.entries(example.attachment_urls ?? {});
  if (files.length === 0) return null;
  return (
    <section>
      <h3>Attachments</h3>
      <ul className={styles.files}>
        {files.map(([key, file]) => (
          <File key={key} name={key.replace(/^attachment\./, "")} file={file} />
        ))}
      </ul>
    </section>
  );
}

function File({ name, file }: { name: string; file: ExampleFile }) {
  // Signed addresses are relative to the API.
  const url = file.presigned_url;
  const { href } = url.startsWith("/") ? baseUrl(`api/v1${url}`) : new URL(url);
  return (
    <li>
      <a className={styles.link} href={href} target="_blank" rel="noopener">
        {name}
      </a>{" "}
      <span className={styles.soft}>
        {file.mime_type}, {formatBytes(file.size_bytes)}
      </span>
      {PICTURE.test(file.mime_type) ? <img src={href} alt={name} loading="lazy" /> : null}
    </li>
  );
}
