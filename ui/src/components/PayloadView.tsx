import { type ReactNode, useMemo, useState } from "react";
import { parseJson, printJson } from "@/lib/api/json";
import { cx } from "@/lib/cx";
import { formatBytes } from "@/lib/format";
import { readSetting, writeSetting } from "@/lib/storage";
import { showTurns } from "@/lib/visible-text";
import { Button } from "./Button";
import { Code } from "./Code";
import { CopyButton } from "./CopyButton";
import { JsonView } from "./JsonView";
import { Markdown } from "./Markdown";
import styles from "./PayloadView.module.css";

type Mode = "pretty" | "json" | "text" | "raw";

const MODES: { value: Mode; label: string; title: string }[] = [
  { value: "pretty", label: "Pretty", title: "A tree, or the text as it is meant to be read" },
  { value: "json", label: "JSON", title: "Indented JSON" },
  { value: "text", label: "Text", title: "The text as it was sent" },
  { value: "raw", label: "Raw", title: "JSON on one line, as it was sent" },
];
/** Texts are shown up to here at once; the rest comes on demand. */
const FIRST_CHARS = 200_000;

interface Props {
  title: string;
  /** The way of showing is remembered under this name. */
  field: string;
  value: unknown;
  failed?: boolean;
  maxHeight?: number;
  pointer?: string;
  onLink?: (pointer: string) => void;
  /** Beside the title. */
  note?: ReactNode;
}

/** One payload, four ways to read it. */
export function PayloadView({ title, field, value, failed, maxHeight = 420, pointer, onLink, note }: Props) {
  const [mode, setMode] = useState<Mode>(() => (pointer ? "pretty" : readMode(field)));
  const isText = typeof value === "string";
  // A text that holds JSON is read as JSON; Text and Raw still show what was sent.
  const parsed = useMemo(() => (typeof value === "string" ? jsonIn(value) : value), [value]);
  const modes = MODES.filter(({ value: name }) =>
    name === "text" ? isText : name === "json" ? parsed !== undefined : true,
  );
  const shown = modes.some((item) => item.value === mode) ? mode : "pretty";
  const pick = (next: Mode) => {
    setMode(next);
    writeSetting(`payload.${field}`, next === "pretty" ? null : next);
  };
  return (
    <article className={cx(styles.card, failed && styles.bad)}>
      <header>
        <h3>{showTurns(title)}</h3>
        {note}
        <span className="grow" />
        <span className={styles.modes} role="group" aria-label={`How to show ${title.toLowerCase()}`}>
          {modes.map((item) => (
            <button
              key={item.value}
              type="button"
              aria-pressed={shown === item.value}
              title={item.title}
              onClick={() => pick(item.value)}
            >
              {item.label}
            </button>
          ))}
        </span>
        <CopyButton text={() => (isText ? value : printJson(value))} label={`Copy ${title.toLowerCase()}`} size={12} />
      </header>
      <Body
        mode={shown}
        value={value}
        parsed={parsed}
        maxHeight={maxHeight}
        pointer={pointer}
        onLink={onLink}
        title={title}
      />
    </article>
  );
}

const readMode = (field: string): Mode =>
  MODES.find((item) => item.value === readSetting(`payload.${field}`))?.value ?? "pretty";

interface BodyProps extends Pick<Props, "value" | "maxHeight" | "pointer" | "onLink" | "title"> {
  mode: Mode;
  parsed: unknown;
}

function Body({ mode, value, parsed, maxHeight, pointer, onLink, title }: BodyProps) {
  if (mode === "text") return <LongText text={String(value)} />;
  if (mode === "raw") return <LongText text={typeof value === "string" ? value : printJson(value, 0)} />;
  if (mode === "json") return <LongText text={printJson(parsed)} lang="json" />;
  if (parsed === undefined)
    return (
      <div className={styles.text}>
        <Markdown text={String(value)} />
      </div>
    );
  return (
    <div className={styles.tree}>
      <JsonView data={parsed} maxHeight={maxHeight} pointer={pointer} onLink={onLink} label={title} />
    </div>
  );
}

/** Text in fixed width; very long ones start with their beginning, and say so. */
export function LongText({ text, lang }: { text: string; lang?: string }) {
  const [all, setAll] = useState(false);
  const cut = !all && text.length > FIRST_CHARS;
  return (
    <>
      <div className={styles.lines}>
        <Code code={cut ? text.slice(0, FIRST_CHARS) : text} lang={lang} />
      </div>
      {cut ? (
        <div className={styles.rest}>
          <Button onClick={() => setAll(true)}>
            First {formatBytes(FIRST_CHARS)} of {formatBytes(text.length)}: show all
          </Button>
        </div>
      ) : null}
    </>
  );
}

/** The object or list that a text holds, or nothing. Numbers and words alone stay text. */
export function jsonIn(text: string): unknown {
  const start = text.trimStart()[0];
  if (start !== "{" && start !== "[") return undefined;
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}
