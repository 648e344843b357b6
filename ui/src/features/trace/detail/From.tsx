//! Where a field came from, beside the field: a small mark that tells on hover and focus, or a line for all of them.

import { CornerDownRight } from "lucide-react";
import { createContext, type ReactNode, useContext, useMemo, useState } from "react";
import { originOf } from "@/lib/api/explain";
import type { Run } from "@/lib/api/types";
import { useCommands } from "@/lib/commands";
import { SentText } from "@/components/SentText";
import { readSetting, writeSetting } from "@/lib/storage";
import { showTurns } from "@/lib/visible-text";
import { Tip } from "@/components/Tip";
import styles from "./From.module.css";
import { sourceLine, sourceText } from "./source-text";

const SETTING = "trace.sources";

interface Explained {
  sources: Record<string, string>;
  /** Said beside every field instead of on hover. */
  inline: boolean;
}

const NOTHING: Explained = { sources: {}, inline: false };
const ExplainContext = createContext(NOTHING);

export const useSources = (): Explained => useContext(ExplainContext);

/** The switch of the pane, remembered: `[shown beside every field, flip]`. */
export function useInlineSources(): [boolean, () => void] {
  const [inline, setInline] = useState(() => readSetting(SETTING) === "1");
  const flip = () => {
    setInline(!inline);
    writeSetting(SETTING, inline ? null : "1");
  };
  useCommands([{ id: "sources", title: "Show where fields come from", group: "Details", keys: ["s"], run: flip }]);
  return [inline, flip];
}

export function Explain({ run, inline, children }: { run: Run | undefined; inline: boolean; children: ReactNode }) {
  const { sources } = originOf(run);
  const value = useMemo(() => ({ sources: sources ?? {}, inline }), [sources, inline]);
  return <ExplainContext value={value}>{children}</ExplainContext>;
}

/** `field`: the names it may have, best first. `computed`: said when nothing was sent for it. Nothing when unknown. */
export function From({ field, computed }: { field: string | string[]; computed?: string }) {
  const { sources, inline } = useSources();
  const names = Array.isArray(field) ? field : [field];
  const name = names.find((one) => sources[one] !== undefined);
  const source = name === undefined ? undefined : sources[name];
  // Without any source the run is older than the record of sources: then nothing is claimed.
  if (source === undefined && (computed === undefined || Object.keys(sources).length === 0)) return null;
  const line = source === undefined ? (computed ?? "") : sourceLine(source);
  const { lead, key } = source === undefined ? { lead: line, key: "" } : sourceText(source);
  if (inline)
    return (
      <span className={styles.inline} title={`from ${showTurns(line)}`}>
        <CornerDownRight size={10} aria-hidden />
        <span className="sr">from </span>
        {lead === "the attribute" || lead === "the attributes" ? null : `${lead} `}
        {key === "" ? null : (
          <code>
            <SentText text={key} />
          </code>
        )}
      </span>
    );
  return (
    <Tip
      trigger={
        <button type="button" className={styles.mark} aria-label={`${name ?? names[0]} comes from ${showTurns(line)}`}>
          <i aria-hidden />
        </button>
      }
    >
      from {lead}{" "}
      {key === "" ? null : (
        <code>
          <SentText text={key} />
        </code>
      )}
    </Tip>
  );
}
