import type { Run } from "@/lib/api/types";
import { plural } from "@/lib/format";
import { SentText } from "@/components/SentText";
import { Tag } from "@/components/Tag";
import styles from "./Issues.module.css";

const KINDS: Record<string, string> = {
  repaired: "The value was changed so that it could be used.",
  conflict: "Two sources disagree; the stronger one was taken.",
  unusable: "The value could not be used; it is kept under Attributes.",
  truncated: "A limit was met; what is beyond it was left out.",
  sanitized: "The text was not valid Unicode; what could not be read is � now.",
  shed: "There was little room on the server's disk, so it was not kept.",
};

/** What the mapping repaired or could not use: which attribute, what was done, and why. */
export function Issues({ run }: { run: Run | undefined }) {
  const issues = run?.issues ?? [];
  if (issues.length === 0) return null;
  return (
    <details className={styles.issues} open={issues.length <= 3}>
      <summary>{plural(issues.length, "value")} did not arrive as meant</summary>
      <ul>
        {issues.map((issue) => (
          <li key={`${issue.kind} ${issue.field} ${issue.message}`}>
            <Tag tone="warn" title={KINDS[issue.kind]}>
              {issue.kind}
            </Tag>
            <div>
              <code>
                <SentText text={issue.field} />
              </code>
              <p>
                <SentText text={issue.message} />
              </p>
              {KINDS[issue.kind] ? <p className={styles.meaning}>{KINDS[issue.kind]}</p> : null}
            </div>
          </li>
        ))}
      </ul>
    </details>
  );
}
