import { lazy, memo, Suspense } from "react";
import { cx } from "@/lib/cx";
import styles from "./Markdown.module.css";

const Blocks = lazy(() => import("./MarkdownBlocks"));

/** Longer texts are shown as they are: nobody reads them as a document. */
const MAX_CHARS = 200_000;

/** Markdown as elements. Raw HTML in it stays text, links open elsewhere, pictures are not loaded. */
export const Markdown = memo(function Markdown({ text }: { text: string }) {
  const plain = <div className={cx(styles.md, styles.plain)}>{text}</div>;
  if (text.length > MAX_CHARS) return plain;
  return (
    <Suspense fallback={plain}>
      <div className={styles.md}>
        <Blocks text={text} />
      </div>
    </Suspense>
  );
});
