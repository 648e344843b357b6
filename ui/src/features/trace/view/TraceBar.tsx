import { Link } from "@tanstack/react-router";
import { ChevronDown, ChevronUp, MessagesSquare } from "lucide-react";
import { Fragment } from "react";
import { formatDateTime, formatInstant, plural } from "@/lib/format";
import { shownName, shownValue } from "@/lib/visible-text";
import { IconButton } from "@/components/Button";
import { CopyButton } from "@/components/CopyButton";
import { PageBar } from "@/components/PageBar";
import { ShareButton } from "@/components/ShareButton";
import { StatusPill } from "@/components/Tag";
import { nameOf } from "../model/types";
import type { TraceState } from "../state/useTraceState";
import styles from "./layout.module.css";
import { TraceMenu } from "./TraceMenu";
import { useTraceSteps } from "./useTraceKeys";

/** Breadcrumb, status, identity; copies at a click. */
export function TraceBar({ state }: { state: TraceState }) {
  const { skeleton } = state.model;
  const { previous, next } = useTraceSteps(state);
  const project = skeleton.project.name;
  const run = sharedRun(state);
  const identity = [
    formatDateTime(skeleton.start_time),
    skeleton.environment,
    skeleton.user_id && `user ${shownValue(skeleton.user_id)}`,
    ...skeleton.tags.map(shownValue),
  ].filter(Boolean);
  return (
    <PageBar
      project={project}
      parents={[
        <Link key="traces" to="/p/$project/traces" params={{ project }} activeOptions={{ exact: true }}>
          Traces
        </Link>,
      ]}
      current={shownName(skeleton.name)}
      actions={
        <>
          {previous ? (
            <IconButton label="Previous trace" keyHint="⇧K" onClick={previous}>
              <ChevronUp size={15} aria-hidden />
            </IconButton>
          ) : null}
          {next ? (
            <IconButton label="Next trace" keyHint="⇧J" onClick={next}>
              <ChevronDown size={15} aria-hidden />
            </IconButton>
          ) : null}
          <CopyButton text={() => location.href} label="Copy link" showLabel />
          <ShareButton what={{ kind: "run", id: run.id }} reads={run.reads} />
          <TraceMenu state={state} />
        </>
      }
    >
      <span className={styles.id}>
        <span className="mono" title={skeleton.trace_id}>
          {skeleton.trace_id.slice(0, 8)}
        </span>
        <CopyButton text={skeleton.trace_id} label="Copy trace id" size={12} />
      </span>
      <StatusPill status={skeleton.status} />
      {skeleton.thread_id ? (
        <Link
          className={styles.thread}
          to="/p/$project/threads/$threadId"
          params={{ project, threadId: skeleton.thread_id }}
          search={{ turn: skeleton.trace_id }}
          title={`Open the conversation ${shownValue(skeleton.thread_id)}`}
        >
          <MessagesSquare size={12} aria-hidden />
          <span className="ellipsis">thread {shownValue(skeleton.thread_id)}</span>
        </Link>
      ) : null}
      <span className={styles.identity} title={formatInstant(skeleton.start_time)}>
        {identity.map((text, at) => (
          <Fragment key={`${at} ${text}`}>
            {at > 0 ? " · " : ""}
            <bdi>{text}</bdi>
          </Fragment>
        ))}
      </span>
    </PageBar>
  );
}

/** What the reader of a link sees: the selected run and below; of a group of repeated ones, what called them. */
function sharedRun({ model, selected }: TraceState): { id: string; reads: string } {
  const node = model.run[selected] < 0 ? model.parent[selected] : selected;
  const below = model.runsIn[node] - 1;
  const reads = below > 0 ? `${nameOf(model, node)} and ${plural(below, "span")} below it` : nameOf(model, node);
  return { id: model.skeleton.runs.id[model.run[node]], reads };
}
