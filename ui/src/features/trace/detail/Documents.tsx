import type { RetrievedDocument } from "@/lib/api/types";
import { plural } from "@/lib/format";
import { showTurns } from "@/lib/visible-text";
import { CopyButton } from "@/components/CopyButton";
import { JsonView } from "@/components/JsonView";
import { SentText } from "@/components/SentText";
import styles from "./Documents.module.css";

/** What a retriever found, in its order, with scores. */
export function Documents({ documents }: { documents: RetrievedDocument[] }) {
  return (
    <>
      <h3 className={styles.title}>{plural(documents.length, "document")}</h3>
      {documents.map((document, index) => (
        <article key={document.id ?? index} className={styles.doc}>
          <header>
            <b>{index + 1}</b>
            {document.id ? <span className="mono ellipsis">{showTurns(document.id)}</span> : null}
            <span className="grow" />
            {typeof document.score === "number" ? <span className="num">score {document.score.toFixed(3)}</span> : null}
            <CopyButton text={document.page_content} label="Copy document" size={11} />
          </header>
          {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a region that scrolls has to be reachable */}
          <div className={styles.text} tabIndex={0} role="region" aria-label={`Document ${index + 1}`}>
            <SentText text={document.page_content} />
          </div>
          {document.metadata && Object.keys(document.metadata).length > 0 ? (
            <div className={styles.meta}>
              <JsonView data={document.metadata} maxHeight={160} label="Metadata" />
            </div>
          ) : null}
        </article>
      ))}
    </>
  );
}
