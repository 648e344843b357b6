import { memo, useEffect, useState } from "react";
import type { Highlight, Span } from "./highlight";
import styles from "./Code.module.css";
import { SentText } from "./SentText";

/** Longer texts stay plain: colouring them costs more than it helps. */
const MAX_CHARS = 60_000;

// The colouring arrives after the first text is on screen.
let loading: Promise<Highlight> | null = null;
const load = (): Promise<Highlight> => (loading ??= import("./highlight").then((module) => module.highlight));

/** Source text in fixed width, coloured when the language is known. */
export const Code = memo(function Code({ code, lang }: { code: string; lang?: string }) {
  const [spans, setSpans] = useState<Span[] | null>(null);
  useEffect(() => {
    let live = true;
    setSpans(null);
    if (!lang || code.length > MAX_CHARS) return;
    void load()
      .then((run) => run(code, lang))
      .then((result) => live && setSpans(result));
    return () => {
      live = false;
    };
  }, [code, lang]);
  return <pre className={styles.code}>{spans ? spans.map(toElement) : <SentText text={code} />}</pre>;
});

const toElement = (span: Span, index: number) =>
  span.kind ? (
    // eslint-disable-next-line react/no-array-index-key -- spans have no identity but their place
    <span key={index} className={styles[span.kind]}>
      <SentText text={span.text} />
    </span>
  ) : (
    <SentText key={index} text={span.text} />
  );
