import { CopyButton } from "@/components/CopyButton";
import styles from "./SetupPage.module.css";

interface Props {
  title: string;
  text: string;
}

export function CodeBlock({ title, text }: Props) {
  return (
    <figure className={styles.code}>
      <figcaption>
        {title}
        <span className="grow" />
        <CopyButton text={text} label="Copy" showLabel />
      </figcaption>
      {/* Scrolls sideways, so it must be reachable by keyboard. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <pre tabIndex={0} aria-label={title}>
        {text}
      </pre>
    </figure>
  );
}
