import type { Run } from "@/lib/api/types";
import { cx } from "@/lib/cx";
import { formatDuration, formatInstant } from "@/lib/format";
import { Code } from "@/components/Code";
import { JsonView } from "@/components/JsonView";
import { SentText } from "@/components/SentText";
import detail from "./Detail.module.css";
import styles from "./Events.module.css";

const STACK = "exception.stacktrace";

/** Events in order of time; stack traces as text, not as an escaped string. */
export function Events({ run }: { run: Run }) {
  if (run.events.length === 0) return <p className={detail.none}>This span has no events.</p>;
  return (
    <div className={detail.stack}>
      {run.events.map((event, index) => {
        const { [STACK]: trace, ...rest } = event.attributes;
        return (
          <article
            key={`${event.time} ${index}`}
            className={cx(styles.event, event.name === "exception" && styles.bad)}
          >
            <header>
              <b>
                <SentText text={event.name} />
              </b>
              <span className="grow" />
              <span className="num" title={formatInstant(event.time)}>
                {formatDuration(event.time - run.start_time)} after the start
              </span>
            </header>
            {Object.keys(rest).length > 0 ? (
              <div className={styles.values}>
                <JsonView data={rest} maxHeight={320} label={event.name} />
              </div>
            ) : null}
            {typeof trace === "string" ? (
              // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a region that scrolls has to be reachable
              <div className={styles.stack} tabIndex={0} role="region" aria-label="Stack trace">
                <Code code={trace} />
              </div>
            ) : null}
          </article>
        );
      })}
    </div>
  );
}
