import { Copy, Database, ExternalLink, Filter, FilterX, MessagesSquare, PanelRight, PenLine } from "lucide-react";
import { Fragment } from "react";
import { MenuItem, MenuSeparator } from "@/components/Menu";
import type { CollectWhere } from "@/components/collect/CollectRuns";
import { shownValue } from "@/lib/visible-text";
import { copyText } from "@/components/CopyButton";
import type { PickMode } from "./filter";
import type { ListRow } from "./rows";

/** What a right click stands on: a row, and the value under the pointer if there is one. */
export interface Clicked {
  row: ListRow;
  field: string | null;
  value: string | null;
}

interface Props {
  clicked: Clicked;
  onPick: (field: string, value: string, how: PickMode) => void;
  onOpen: (row: ListRow) => void;
  onPeek: (row: ListRow) => void;
  onThread: (thread: string, row: ListRow) => void;
  onCollect: (where: CollectWhere, row: ListRow) => void;
}

/** Values of a row that filters can name, for a menu that was opened without a value under the pointer. */
function valuesOf(row: ListRow): [field: string, value: string][] {
  const found: [string, string | null | undefined][] = [
    ["name", row.name],
    ["status", row.status],
    ["model", row.models[0]],
    ["user", row.user],
    ["thread", row.thread],
    ["env", row.environment],
  ];
  return found.filter((pair): pair is [string, string] => Boolean(pair[1]));
}

const ICON = { size: 13, "aria-hidden": true } as const;

export function RowMenu({ clicked, onPick, onOpen, onPeek, onThread, onCollect }: Props) {
  const { row, field, value } = clicked;
  const picks: [string, string][] = field !== null && value !== null ? [[field, value]] : valuesOf(row);
  return (
    <>
      {picks.map(([name, text]) => (
        <Fragment key={name}>
          <MenuItem icon={<Filter {...ICON} />} hint={name} onSelect={() => onPick(name, text, "only")}>
            Filter by <bdi>{shownValue(text)}</bdi>
          </MenuItem>
          {field === null ? null : (
            <>
              <MenuItem icon={<FilterX {...ICON} />} hint={name} onSelect={() => onPick(name, text, "exclude")}>
                Exclude <bdi>{shownValue(text)}</bdi>
              </MenuItem>
              <MenuItem icon={<Copy {...ICON} />} onSelect={() => void copyText(text)}>
                Copy value
              </MenuItem>
            </>
          )}
        </Fragment>
      ))}
      <MenuSeparator />
      <MenuItem icon={<ExternalLink {...ICON} />} hint="↵" onSelect={() => onOpen(row)}>
        Open
      </MenuItem>
      <MenuItem icon={<PanelRight {...ICON} />} hint="Space" onSelect={() => onPeek(row)}>
        Peek
      </MenuItem>
      {row.thread === null ? null : (
        <MenuItem icon={<MessagesSquare {...ICON} />} onSelect={() => row.thread !== null && onThread(row.thread, row)}>
          Open the thread
        </MenuItem>
      )}
      <MenuItem icon={<PenLine {...ICON} />} onSelect={() => onCollect("queue", row)}>
        Add to a queue…
      </MenuItem>
      <MenuItem icon={<Database {...ICON} />} onSelect={() => onCollect("dataset", row)}>
        Add to a dataset…
      </MenuItem>
      <MenuItem icon={<Copy {...ICON} />} onSelect={() => void copyText(row.traceId)}>
        Copy trace id
      </MenuItem>
    </>
  );
}
