import { printJson } from "@/lib/api/json";
import { CopyButton } from "@/components/CopyButton";
import { ValueView } from "@/components/ValueView";
import styles from "./Shared.module.css";

/** One side of a run or example under its heading; `none` is said where there is nothing. */
export function Payload({ title, value, none }: { title: string; value: unknown; none?: string }) {
  const nothing =
    value === null || value === undefined || (typeof value === "object" && Object.keys(value).length === 0);
  if (nothing && none === undefined) return null;
  return (
    <section className={styles.payload} aria-label={title}>
      <header>
        <h3>{title}</h3>
        {nothing ? null : (
          <CopyButton
            text={() => (typeof value === "string" ? value : printJson(value))}
            label={`Copy ${title.toLowerCase()}`}
            size={12}
          />
        )}
      </header>
      {nothing ? <p>{none}</p> : <ValueView label={title} value={value} maxHeight={480} />}
    </section>
  );
}
