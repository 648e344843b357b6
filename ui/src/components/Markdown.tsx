import { lazy, memo, Suspense } from "react";
import { cx } from "@/lib/cx";
import { plainLine } from "@/lib/text";
import styles from "./Markdown.module.css";
import { SentText } from "./SentText";

const Blocks = lazy(() => import("./MarkdownBlocks"));

/** Longer texts are shown as they are: nobody reads them as a document. */
const MAX_CHARS = 200_000;

/** Markdown as elements. Raw HTML in it stays text, links open elsewhere, pictures are not loaded. */
export const Markdown = memo(function Markdown({ text }: { text: string }) {
  if (text.length > MAX_CHARS) return <Plain text={text} />;
  return (
    // Until the code is here, without the marks: they would be seen, and go.
    <Suspense fallback={<Plain text={text.split("\n").map(plainLine).join("\n")} />}>
      <div className={styles.md}>
        <Blocks text={text} />
      </div>
    </Suspense>
  );
});

const Plain = ({ text }: { text: string }) => (
  <div className={cx(styles.md, styles.plain)}>
    <SentText text={text} />
  </div>
);
