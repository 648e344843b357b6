import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Ellipsis, Trash2 } from "lucide-react";
import { useState } from "react";
import { deleteTrace } from "@/lib/api/deletion";
import type { Skeleton } from "@/lib/api/types";
import { plural } from "@/lib/format";
import { IconButton } from "@/components/Button";
import { ConfirmDialog } from "@/components/ConfirmDialog";
import { Menu, MenuItem } from "@/components/Menu";

/** What can be done with the whole trace. */
export function TraceMenu({ skeleton }: { skeleton: Skeleton }) {
  const [asking, setAsking] = useState(false);
  const client = useQueryClient();
  const navigate = useNavigate();
  const { trace_id: traceId, name } = skeleton;
  const project = skeleton.project.name;
  const leave = () => {
    // The list first: the page of a trace that is gone would say that it is not here.
    void navigate({ to: "/p/$project/traces", params: { project } }).then(() => {
      client.removeQueries({ queryKey: ["skeleton", traceId] });
      return client.invalidateQueries();
    });
  };
  return (
    <>
      <Menu
        align="end"
        trigger={
          <IconButton label="More about this trace">
            <Ellipsis size={15} aria-hidden />
          </IconButton>
        }
      >
        <MenuItem icon={<Trash2 size={13} aria-hidden />} onSelect={() => setAsking(true)}>
          Delete trace…
        </MenuItem>
      </Menu>
      {asking ? (
        <ConfirmDialog
          title="Delete this trace?"
          action="Delete trace"
          onConfirm={() => deleteTrace(traceId, project)}
          onDone={leave}
          onClose={() => setAsking(false)}
        >
          <p>
            <b>{name}</b> goes from {project} with {plural(skeleton.totals.run_count, "run")} and its log records: at
            once from all pages and figures, within a day from the disk. Spans that arrive for it later are dropped.
          </p>
          <p>This cannot be undone.</p>
        </ConfirmDialog>
      ) : null}
    </>
  );
}
