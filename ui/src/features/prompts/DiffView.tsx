import { useMemo, useState } from "react";
import type { Commit } from "@/lib/api/prompts";
import { cx } from "@/lib/cx";
import { plural } from "@/lib/format";
import { diffWords, type Piece } from "@/lib/word-diff";
import { Button } from "@/components/Button";
import { Tag } from "@/components/Tag";
import { type Change, changesBetween, isChanged } from "./changes";
import styles from "./DiffView.module.css";
import { shortHash } from "./times";

interface Props {
  /** Nothing for the first version. */
  before: Commit | undefined;
  after: Commit;
}

/** Two versions side by side, message by message, with the words that changed. */
export function DiffView({ before, after }: Props) {
  const [all, setAll] = useState(false);
  const changes = useMemo(() => (before ? changesBetween(before.manifest, after.manifest) : []), [before, after]);
  if (!before) return <p className={styles.none}>This is the first version: there is nothing before it.</p>;
  const changed = changes.filter(isChanged);
  const same = changes.length - changed.length;
  return (
    <div className={styles.diff}>
      <header className={styles.heads}>
        <span>
          <b className="mono">{shortHash(before.commit_hash)}</b> {before.description}
        </span>
        <span>
          <b className="mono">{shortHash(after.commit_hash)}</b> {after.description}
        </span>
      </header>
      {changed.length === 0 ? <p className={styles.none}>Both versions say the same.</p> : null}
      {(all ? changes : changed).map((change, index) => (
        // oxlint-disable-next-line react/no-array-index-key -- changes have no identity but their place
        <Row key={index} change={change} />
      ))}
      {same > 0 ? (
        <p className={styles.same}>
          <Button look="ghost" pressed={all} onClick={() => setAll(!all)}>
            {all ? "Hide what is the same" : `${plural(same, "more part")} ${same === 1 ? "is" : "are"} the same`}
          </Button>
        </p>
      ) : null}
    </div>
  );
}

function Row({ change }: { change: Change }) {
  const { title, before, after } = change;
  const { left, right } = useMemo(() => diffWords(before ?? "", after ?? ""), [before, after]);
  const mark = before === null ? "added" : after === null ? "removed" : before === after ? "same" : null;
  return (
    <article className={styles.row}>
      <h3>
        <span>{title}</span>
        {mark ? <Tag>{mark}</Tag> : null}
      </h3>
      <Side pieces={left} missing={before === null} look={styles.gone} label={`${title}, before`} element="del" />
      <Side pieces={right} missing={after === null} look={styles.came} label={`${title}, after`} element="ins" />
    </article>
  );
}

interface SideProps {
  pieces: Piece[];
  missing: boolean;
  look: string;
  label: string;
  element: "del" | "ins";
}

function Side({ pieces, missing, look, label, element: Element }: SideProps) {
  if (missing) return <div className={cx(styles.side, styles.missing)} />;
  return (
    <div className={styles.side} role="group" aria-label={label}>
      {pieces.map(({ text, changed }, index) =>
        changed ? (
          // oxlint-disable-next-line react/no-array-index-key -- stretches have no identity but their place
          <Element key={index} className={look}>
            {visible(text)}
          </Element>
        ) : (
          text
        ),
      )}
    </div>
  );
}

/** A line end that came or went would not be seen. */
const visible = (text: string): string => (/^\n+$/.test(text) ? text.replaceAll("\n", "↵\n") : text);
