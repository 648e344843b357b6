import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type Example, examplesAtQuery, ownMetadata, PAGE, splitsOf, versionDiffQuery } from "@/lib/api/datasets";
import { printJson } from "@/lib/api/json";
import { formatInt, plural } from "@/lib/format";
import { mainText } from "@/lib/payload-text";
import { showTurns } from "@/lib/visible-text";
import { Button } from "@/components/Button";
import { ErrorState } from "@/components/Notice";
import { Tag } from "@/components/Tag";
import { ValueView } from "@/components/ValueView";
import { SideBySide } from "@/components/WordDiff";
import { at } from "./time";
import styles from "./Versions.module.css";

/** What lies between two versions: examples that came, went, and changed. */
export function VersionDiff({ dataset, from, to }: { dataset: string; from: string; to: string }) {
  const diff = useQuery(versionDiffQuery(dataset, from, to));
  const [room, setRoom] = useState(PAGE);
  const {
    examples_added: added = [],
    examples_removed: removed = [],
    examples_modified: modified = [],
  } = diff.data ?? {};
  const all = [...modified, ...added, ...removed];
  const shown = all.slice(0, room);
  // A page of ids at a time, so that addresses stay short.
  const ids = (list: string[]): string[] => shown.filter((id) => list.includes(id)).slice(-PAGE);
  const before = useQuery(examplesAtQuery(dataset, ids([...modified, ...removed]), from));
  const after = useQuery(examplesAtQuery(dataset, ids([...modified, ...added]), to));
  if (diff.isError)
    return (
      <ErrorState title="The versions could not be compared" error={diff.error} onRetry={() => void diff.refetch()} />
    );
  if (!diff.data) return null;
  const kind = new Map<string, "added" | "removed">([
    ...added.map((id) => [id, "added"] as const),
    ...removed.map((id) => [id, "removed"] as const),
  ]);
  return (
    <>
      <h2>
        {all.length === 0
          ? "Nothing changed"
          : [
              modified.length > 0 && `${plural(modified.length, "example")} changed`,
              added.length > 0 && `${formatInt(added.length)} added`,
              removed.length > 0 && `${formatInt(removed.length)} removed`,
            ]
              .filter(Boolean)
              .join(", ")}
      </h2>
      <p className={styles.none}>
        From {at(from)} to {at(to)}
      </p>
      {shown.map((id) => (
        <Changed key={id} id={id} kind={kind.get(id)} before={before.data?.get(id)} after={after.data?.get(id)} />
      ))}
      {all.length > room ? (
        <Button onClick={() => setRoom(room + PAGE)}>Show more: {plural(all.length - room, "example")}</Button>
      ) : null}
    </>
  );
}

interface ChangedProps {
  id: string;
  kind: "added" | "removed" | undefined;
  before: Example | undefined;
  after: Example | undefined;
}

function Changed({ id, kind, before, after }: ChangedProps) {
  const example = after ?? before;
  return (
    <article className={styles.changed}>
      <header>
        <span className="mono">#{id.slice(0, 8)}</span>
        <Tag>{kind ?? "changed"}</Tag>
        <span className="ellipsis">{example ? showTurns(mainText(example.inputs).slice(0, 200)) : ""}</span>
      </header>
      {before && after ? (
        <Parts before={before} after={after} />
      ) : example && kind ? (
        <details>
          <summary>Show it</summary>
          <ValueView label="Input" value={example.inputs} />
          <h4>Reference output</h4>
          <ValueView label="Reference output" value={example.outputs} />
        </details>
      ) : null}
    </article>
  );
}

function Parts({ before, after }: { before: Example; after: Example }) {
  const facts = (example: Example): string => printJson(ownMetadata(example));
  const parts: [string, string, string][] = [
    ["Input", textOf(before.inputs), textOf(after.inputs)],
    ["Reference output", textOf(before.outputs), textOf(after.outputs)],
    ["Metadata", facts(before), facts(after)],
    ["Splits", splitsOf(before).join(", "), splitsOf(after).join(", ")],
  ];
  const changed = parts.filter(([, old, now]) => old !== now);
  if (changed.length === 0) return <p className={styles.none}>Only its attachments or its source changed.</p>;
  return changed.map(([name, old, now]) => (
    <section key={name}>
      <h4>{name}</h4>
      <SideBySide before={old} after={now} names={["Before", "After"]} />
    </section>
  ));
}

/** The whole of a value: nothing that changed may be left out. */
function textOf(value: Record<string, unknown> | null): string {
  if (value === null) return "";
  const [only, ...others] = Object.values(value);
  return others.length === 0 && typeof only === "string" ? only : printJson(value);
}
