import { CornerDownRight, Search, X } from "lucide-react";
import type { Level } from "@/lib/api/telemetry";
import { Button } from "@/components/Button";
import { Keys } from "@/components/Keys";
import { Segmented } from "@/components/Segmented";
import type { TraceSearch } from "../search";
import type { TraceState } from "../state/useTraceState";
import { FIND_ID } from "../view/Toolbar";
import tools from "../view/Toolbar.module.css";
import { ViewSwitch } from "../view/ViewSwitch";

type Choice = "all" | Level;
const LEVELS: readonly { value: Choice; label: string }[] = [
  { value: "all", label: "All" },
  { value: "info", label: "Info+" },
  { value: "warn", label: "Warn+" },
  { value: "error", label: "Error+" },
];

/** What of the trace's records is shown. The text is the one of “Find in trace”. */
export function LogsToolbar({ state, search }: { state: TraceState; search: TraceSearch }) {
  const { find, url } = state;
  const { level, here } = search;
  const options =
    level === undefined || LEVELS.some((option) => option.value === level)
      ? LEVELS
      : [...LEVELS, { value: level, label: `${level[0].toUpperCase()}${level.slice(1)}+` }];
  return (
    <div className={tools.tools} role="toolbar" aria-label="Log tools">
      <ViewSwitch state={state} view="logs" />
      <Segmented<Choice>
        label="Least level"
        value={level ?? "all"}
        options={options}
        onChange={(next) => url.set({ level: next === "all" ? undefined : next })}
      />
      <Button
        className={tools.wide}
        icon={<CornerDownRight size={13} aria-hidden />}
        pressed={here === true}
        title="Only records of the selected span and of those below it"
        onClick={() => url.set({ here: here ? undefined : true })}
      >
        Selected span
      </Button>
      <span className="grow" />
      <div className={tools.find}>
        <Search size={13} aria-hidden />
        <input
          id={FIND_ID}
          type="text"
          aria-label="Text in messages"
          placeholder="Text in messages"
          value={find.text}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => find.setText(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== "Escape") return;
            event.preventDefault();
            event.stopPropagation();
            find.setText("");
            event.currentTarget.blur();
          }}
        />
        {find.text === "" ? (
          <Keys name="/" />
        ) : (
          <button type="button" className={tools.deep} aria-label="Clear the text" onClick={() => find.setText("")}>
            <X size={12} aria-hidden />
          </button>
        )}
      </div>
    </div>
  );
}
