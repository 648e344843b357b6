import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { ChevronDown, Download, Ellipsis, Pencil, Trash2 } from "lucide-react";
import { useState } from "react";
import { messageOf } from "@/lib/api/client";
import { type Dataset, datasetKey, deleteDataset, exportDataset, type ExportFormat } from "@/lib/api/datasets";
import { plural } from "@/lib/format";
import { saveFile } from "@/lib/save-file";
import { Button, IconButton } from "@/components/Button";
import { ConfirmDialog } from "@/components/ConfirmDialog";
import { Menu, MenuItem, MenuSeparator } from "@/components/Menu";
import { ShareButton } from "@/components/ShareButton";
import { EditDataset } from "./EditDataset";
import styles from "./DatasetActions.module.css";

interface Props {
  project: string;
  dataset: Dataset;
  /** The version that is looked at: it is what is exported. */
  version: string | undefined;
}

const FORMATS: [ExportFormat, string][] = [
  ["jsonl", "JSON lines"],
  ["csv", "CSV"],
  ["openai", "OpenAI fine-tuning"],
];

export function DatasetActions({ project, dataset, version }: Props) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const [doing, setDoing] = useState<"edit" | "delete" | null>(null);
  return (
    <>
      <Export dataset={dataset} version={version} />
      <ShareButton what={{ kind: "dataset", id: dataset.id }} reads="the examples of this dataset" />
      <Menu
        align="end"
        trigger={
          <IconButton label="More actions" look="plain">
            <Ellipsis size={14} aria-hidden />
          </IconButton>
        }
      >
        <MenuItem icon={<Pencil size={13} aria-hidden />} onSelect={() => setDoing("edit")}>
          Rename or describe
        </MenuItem>
        <MenuSeparator />
        <MenuItem icon={<Trash2 size={13} aria-hidden />} onSelect={() => setDoing("delete")}>
          Delete dataset
        </MenuItem>
      </Menu>
      {doing === "edit" ? <EditDataset dataset={dataset} onClose={() => setDoing(null)} /> : null}
      {doing === "delete" ? (
        <ConfirmDialog
          title={`Delete ${dataset.name}?`}
          action="Delete dataset"
          typed={dataset.example_count > 0 ? dataset.name : undefined}
          onConfirm={() => deleteDataset(dataset.id)}
          onDone={() => {
            void client.invalidateQueries({ queryKey: datasetKey() });
            void navigate({ to: "/p/$project/datasets", params: { project } });
          }}
          onClose={() => setDoing(null)}
        >
          <p>
            <b>{plural(dataset.example_count, "example")}</b> go with all their versions. This cannot be undone.
          </p>
        </ConfirmDialog>
      ) : null}
    </>
  );
}

function Export({ dataset, version }: { dataset: Dataset; version: string | undefined }) {
  const save = useMutation({
    mutationFn: async (format: ExportFormat) => {
      const name = `${dataset.name}${format === "openai" ? ".openai" : ""}.${format === "csv" ? "csv" : "jsonl"}`;
      saveFile(await exportDataset(dataset.id, format, version), name);
    },
  });
  return (
    <>
      {save.isError ? (
        <span className={styles.bad} role="alert">
          {messageOf(save.error)}
        </span>
      ) : null}
      <Menu
        align="end"
        trigger={
          <Button icon={<Download size={13} aria-hidden />} disabled={save.isPending}>
            {save.isPending ? "Exporting…" : "Export"}
            <ChevronDown size={12} aria-hidden />
          </Button>
        }
      >
        {FORMATS.map(([format, name]) => (
          <MenuItem key={format} onSelect={() => save.mutate(format)}>
            {name}
          </MenuItem>
        ))}
      </Menu>
    </>
  );
}
