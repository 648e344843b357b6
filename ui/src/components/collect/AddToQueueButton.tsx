import { PenLine } from "lucide-react";
import { useState } from "react";
import { Button } from "../Button";
import { CollectRuns } from "./CollectRuns";

export function AddToQueueButton({ project, runIds }: { project: string; runIds: string[] }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button
        icon={<PenLine size={13} aria-hidden />}
        title="Put it into an annotation queue  A"
        onClick={() => setOpen(true)}
      >
        Annotate
      </Button>
      {open ? <CollectRuns where="queue" project={project} runIds={runIds} onClose={() => setOpen(false)} /> : null}
    </>
  );
}
