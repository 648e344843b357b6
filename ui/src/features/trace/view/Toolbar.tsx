import { Cable, CircleDollarSign, Clock3, Flame, Hash, Route, Search, Sparkles, TriangleAlert, X } from "lucide-react";
import { type KeyboardEvent, useMemo } from "react";
import type { Axis } from "@/lib/api/types";
import { cx } from "@/lib/cx";
import { plural } from "@/lib/format";
import { Button } from "@/components/Button";
import { Keys } from "@/components/Keys";
import { Segmented } from "@/components/Segmented";
import type { TraceState } from "../state/useTraceState";
import { ViewSwitch } from "./ViewSwitch";
import styles from "./Toolbar.module.css";

export const FIND_ID = "find-in-trace";

const AXES = [
  { value: "time", label: "Time", icon: <Clock3 size={12} aria-hidden /> },
  { value: "cost", label: "Cost", icon: <CircleDollarSign size={12} aria-hidden /> },
  { value: "tokens", label: "Tokens", icon: <Hash size={12} aria-hidden /> },
] as const satisfies readonly { value: Axis; label: string; icon: unknown }[];

export function Toolbar({ state }: { state: TraceState }) {
  const { critical, only, flame, url } = state;
  const toggleOnly = (what: "errors" | "llm") => state.setOnly(only === what ? undefined : what);
  return (
    <div className={styles.tools} role="toolbar" aria-label="Trace tools">
      <ViewSwitch state={state} view="timeline" />
      <Segmented label="Axis" value={state.axis} options={AXES} onChange={state.setAxis} />
      <Button
        icon={<Route size={13} aria-hidden />}
        pressed={critical !== null}
        title="What the end of the trace waited for  C"
        onClick={() => url.set({ cp: critical ? undefined : true })}
      >
        Critical path
      </Button>
      <Button
        icon={<TriangleAlert size={13} aria-hidden />}
        pressed={only === "errors"}
        title="Show only errors and what leads to them  X"
        onClick={() => toggleOnly("errors")}
      >
        Errors
      </Button>
      <Button
        className={styles.wide}
        icon={<Sparkles size={13} aria-hidden />}
        pressed={only === "llm"}
        title="Show only LLM calls and what leads to them"
        onClick={() => toggleOnly("llm")}
      >
        LLM calls
      </Button>
      <Button
        className={styles.wide}
        icon={<Flame size={13} aria-hidden />}
        pressed={flame}
        title="Large overview with names  F"
        onClick={() => url.set({ flame: flame ? undefined : true })}
      >
        Flame
      </Button>
      <TransportSwitch state={state} />
      <span className="grow" />
      {state.zoom.zoomed ? (
        <Button look="ghost" icon={<X size={12} aria-hidden />} onClick={state.zoom.reset}>
          Reset zoom
        </Button>
      ) : null}
      <FindBox state={state} />
    </div>
  );
}

/** Only where something is folded. */
function TransportSwitch({ state }: { state: TraceState }) {
  const { transports } = state.model;
  const count = useMemo(() => transports.reduce((sum, some) => sum + some, 0), [transports]);
  if (count === 0) return null;
  return (
    <Button
      icon={<Cable size={13} aria-hidden />}
      pressed={state.transport}
      title={`Show the ${plural(count, "HTTP or gRPC call")} below LLM calls  T`}
      onClick={() => state.url.set({ transport: state.transport ? undefined : true })}
    >
      Transport
    </Button>
  );
}

function FindBox({ state }: { state: TraceState }) {
  const { find, only } = state;
  const { text } = find;
  const step = (direction: 1 | -1) => {
    const node = find.step(state.selected, direction);
    if (node >= 0) state.select(node);
  };
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key === "Enter") step(event.shiftKey ? -1 : 1);
    else if (event.key === "Escape") {
      event.stopPropagation();
      find.setText("");
      if (only === "matches") state.setOnly(undefined);
      document.getElementById("trace-grid")?.focus();
    } else return;
    event.preventDefault();
  };
  return (
    <div className={styles.find}>
      <Search size={13} aria-hidden />
      <input
        id={FIND_ID}
        type="text"
        aria-label="Find in trace"
        placeholder="Find in trace"
        value={text}
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => find.setText(event.target.value)}
        onKeyDown={onKeyDown}
      />
      {text === "" ? (
        <Keys name="/" />
      ) : (
        <>
          <span className={cx(styles.count, find.nodes.length === 0 && !find.searching && styles.none)} role="status">
            {countText(state)}
          </span>
          <button
            type="button"
            className={styles.deep}
            aria-pressed={find.deep}
            title="Look into inputs, outputs and attributes too (on the server)"
            onClick={() => find.setDeep(!find.deep)}
          >
            Payloads
          </button>
          <button
            type="button"
            className={styles.deep}
            aria-pressed={only === "matches"}
            title="Show only matches and what leads to them"
            onClick={() => state.setOnly(only === "matches" ? undefined : "matches")}
          >
            Only
          </button>
        </>
      )}
    </div>
  );
}

function countText({ find, selected }: TraceState): string {
  if (find.failed) return "search failed";
  if (find.nodes.length === 0) return find.searching ? "searching" : "none";
  const at = Math.min(find.at(selected) + 1, find.nodes.length);
  return `${at} of ${find.nodes.length}${find.searching ? "…" : ""}`;
}
