//! What the list shows: text, level, and the values picked from records.

import { Search, X } from "lucide-react";
import { type ReactNode, type RefObject, useEffect, useRef, useState } from "react";
import type { Level } from "@/lib/api/telemetry";
import { Keys } from "@/components/Keys";
import { Segmented } from "@/components/Segmented";
import styles from "./Filters.module.css";
import type { LogsSearch } from "./search";

/** Typing settles this long before the list follows. */
const SETTLE_MS = 250;

type Choice = "all" | Level;
const LEVEL_OPTIONS: readonly { value: Choice; label: string }[] = [
  { value: "all", label: "All" },
  { value: "debug", label: "Debug+" },
  { value: "info", label: "Info+" },
  { value: "warn", label: "Warn+" },
  { value: "error", label: "Error+" },
];
const LISTED: readonly string[] = LEVEL_OPTIONS.map((option) => option.value);

interface Props {
  search: LogsSearch;
  set: (patch: LogsSearch, replace?: boolean) => void;
  inputRef: RefObject<HTMLInputElement | null>;
  children: ReactNode;
}

export function Filters({ search, set, inputRef, children }: Props) {
  const { severity, service, trace, record } = search;
  // Levels that only links can name are shown as well.
  const options =
    severity && !LISTED.includes(severity)
      ? [...LEVEL_OPTIONS, { value: severity, label: `${severity[0].toUpperCase()}${severity.slice(1)}+` }]
      : LEVEL_OPTIONS;
  return (
    <div className={styles.bar} role="search">
      <TextFilter value={search.q ?? ""} onChange={(q, typing) => set({ q }, typing)} inputRef={inputRef} />
      {record ? (
        <Chip name="record" value={record.slice(0, 8)} title={record} onDrop={() => set({ record: undefined })} />
      ) : null}
      {trace ? (
        <Chip name="trace" value={trace.slice(0, 8)} title={trace} onDrop={() => set({ trace: undefined })} />
      ) : null}
      {service ? <Chip name="service" value={service} onDrop={() => set({ service: undefined })} /> : null}
      <Segmented<Choice>
        label="Least level"
        value={severity ?? "all"}
        options={options}
        onChange={(level) => set({ severity: level === "all" ? undefined : level })}
      />
      {children}
    </div>
  );
}

interface TextProps {
  value: string;
  /** `typing`: the same entry of the history may be overwritten. */
  onChange: (text: string, typing: boolean) => void;
  inputRef: RefObject<HTMLInputElement | null>;
}

function TextFilter({ value, onChange, inputRef }: TextProps) {
  const [text, setText] = useState(value);
  const written = useRef(value);
  const typing = useRef(false);
  const timer = useRef(0);
  // The address changed by itself: Back, a link.
  useEffect(() => {
    if (value === written.current) return;
    written.current = value;
    window.clearTimeout(timer.current);
    setText(value);
  }, [value]);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  const write = (next: string) => {
    window.clearTimeout(timer.current);
    if (next === written.current) return;
    written.current = next;
    onChange(next, typing.current);
    typing.current = true;
  };
  const end = (next: string) => {
    write(next);
    typing.current = false;
  };
  return (
    <label className={styles.text}>
      <Search size={14} aria-hidden />
      <span className="sr">Text in messages</span>
      <input
        ref={inputRef}
        value={text}
        placeholder="Text in messages and event names"
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => {
          const next = event.target.value;
          setText(next);
          window.clearTimeout(timer.current);
          timer.current = window.setTimeout(() => write(next.trim()), SETTLE_MS);
        }}
        onBlur={() => end(text.trim())}
        onKeyDown={(event) => {
          if (event.key === "Enter") end(text.trim());
          else if (event.key === "Escape") {
            event.preventDefault();
            event.currentTarget.blur();
          }
        }}
      />
      {text === "" ? (
        <Keys name="/" />
      ) : (
        <button
          type="button"
          aria-label="Clear the text"
          onClick={() => {
            setText("");
            end("");
            inputRef.current?.focus();
          }}
        >
          <X size={12} aria-hidden />
        </button>
      )}
    </label>
  );
}

function Chip(props: { name: string; value: string; title?: string; onDrop: () => void }) {
  const { name, value, title, onDrop } = props;
  return (
    <span className={styles.chip} title={title}>
      <span className="ellipsis">
        {name} <b>{value}</b>
      </span>
      <button type="button" aria-label={`Remove filter ${name} ${value}`} onClick={onDrop}>
        <X size={11} aria-hidden />
      </button>
    </span>
  );
}
