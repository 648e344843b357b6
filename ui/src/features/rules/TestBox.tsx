import { useQuery } from "@tanstack/react-query";
import { ArrowRight } from "lucide-react";
import { useEffect, useState } from "react";
import { ApiError, messageOf } from "@/lib/api/client";
import { printJson } from "@/lib/api/json";
import { type Trial, trialQuery } from "@/lib/api/rules";
import { plural } from "@/lib/format";
import { Tag } from "@/components/Tag";
import { RunPicker } from "./RunPicker";
import styles from "./TestBox.module.css";

/** Typing rests this long before the server is asked. */
const REST_MS = 350;
const SHOWN_CHARS = 400;

interface Props {
  rule: { name: string; attribute: string; field: string };
  replaces: string | null;
  project: string;
  trace: string | undefined;
  run: string | undefined;
  onRun: (trace: string | undefined, run: string | undefined) => void;
  /** What the server says about the rule; the form puts it beside the input. */
  onError: (error: unknown) => void;
}

/** Shows on a stored run what the rule would do, before anything is saved. */
export function TestBox({ rule, replaces, project, trace, run, onRun, onError }: Props) {
  const wanted = {
    rule: { ...rule, name: rule.name || undefined },
    replaces,
    project,
    trace_id: trace ?? "",
    run_id: run ?? "",
  };
  const asked = JSON.parse(useRested(JSON.stringify(wanted))) as typeof wanted;
  const ready = asked.rule.attribute !== "" && asked.rule.field !== "" && asked.trace_id !== "" && asked.run_id !== "";
  const trial = useQuery({ ...trialQuery(asked), enabled: ready, placeholderData: (old) => old });
  const failed = ready && trial.isError ? trial.error : null;
  useEffect(() => onError(failed), [failed, onError]);
  const beside = failed instanceof ApiError && failed.pointer !== null;
  return (
    <section className={styles.box} aria-labelledby="test-title">
      <h3 id="test-title">Try it on a stored run</h3>
      <RunPicker project={project} trace={trace} run={run} onRun={onRun} />
      <div className={styles.result} role="status" aria-busy={trial.isFetching}>
        {failed && !beside ? <p className={styles.failed}>{messageOf(failed)}</p> : null}
        {failed && beside ? <p className={styles.note}>The rule is not complete yet.</p> : null}
        {!failed && !ready ? <p className={styles.note}>{whatIsMissing(rule, run)}</p> : null}
        {!failed && ready && trial.data ? <Outcome trial={trial.data} attribute={asked.rule.attribute} /> : null}
      </div>
    </section>
  );
}

function whatIsMissing(rule: Props["rule"], run: string | undefined): string {
  if (run === undefined) return "Choose a run to see what the rule would do.";
  return `Fill in ${rule.attribute === "" ? "an attribute" : "a field"} to see what the rule would do.`;
}

function Outcome({ trial, attribute }: { trial: Trial; attribute: string }) {
  const { matched, changes, issues } = trial;
  return (
    <>
      <h4>{matched.length === 0 ? "Nothing matches" : plural(matched.length, "attribute")}</h4>
      {matched.length === 0 ? (
        <p className={styles.note}>
          This run has no attribute <code>{attribute}</code>. Its attributes are listed in its details, under
          Attributes.
        </p>
      ) : (
        <dl className={styles.matched}>
          {matched.map((one) => (
            <div key={one.attribute}>
              <dt>{one.attribute}</dt>
              <dd>{textOf(one.value)}</dd>
            </div>
          ))}
        </dl>
      )}
      {matched.length > 0 || changes.length > 0 ? (
        <>
          <h4>{changes.length === 0 ? "Nothing would change" : `${plural(changes.length, "field")} would change`}</h4>
          {changes.length === 0 ? (
            <p className={styles.note}>The field has this value already, or a stronger rule fills it.</p>
          ) : (
            <ul className={styles.changes}>
              {changes.map((change) => (
                <li key={change.field}>
                  <code>{change.field}</code>
                  <Value value={change.before} label="before" />
                  <ArrowRight size={13} aria-label="becomes" />
                  <Value value={change.after} label="after" />
                </li>
              ))}
            </ul>
          )}
        </>
      ) : null}
      {issues.length > 0 ? (
        <ul className={styles.issues}>
          {issues.map((issue) => (
            <li key={`${issue.kind} ${issue.field} ${issue.message}`}>
              <Tag tone="warn">{issue.kind}</Tag> <code>{issue.field}</code> {issue.message}
            </li>
          ))}
        </ul>
      ) : null}
    </>
  );
}

function Value({ value, label }: { value: unknown; label: "before" | "after" }) {
  const empty = value === null || value === undefined || value === "";
  return (
    <span className={label === "before" ? styles.before : styles.after}>
      <span className="sr">{label}: </span>
      {empty ? <i>nothing</i> : textOf(value)}
    </span>
  );
}

function textOf(value: unknown): string {
  const text = typeof value === "string" ? value : printJson(value);
  return text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text;
}

function useRested(value: string): string {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), REST_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return rested;
}
