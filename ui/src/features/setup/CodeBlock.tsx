import { Code } from "@/components/Code";
import { CopyButton } from "@/components/CopyButton";
import styles from "./SetupPage.module.css";

interface Props {
  title: string;
  text: string;
  lang?: string;
}

export function CodeBlock({ title, text, lang }: Props) {
  return (
    <figure className={styles.code}>
      <figcaption>
        {title}
        <span className="grow" />
        <CopyButton text={text} label="Copy" showLabel />
      </figcaption>
      {/* Scrolls sideways, so it must be reachable by keyboard. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className={styles.scroller} tabIndex={0} role="region" aria-label={title}>
        <Code code={text} lang={lang} />
      </div>
    </figure>
  );
}
