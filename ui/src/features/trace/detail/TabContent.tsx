import { lazy, Suspense } from "react";
import type { Run } from "@/lib/api/types";
import { copyText } from "@/components/CopyButton";
import { PayloadView } from "@/components/PayloadView";
import type { TraceState } from "../state/useTraceState";
import { Breakdown } from "./Breakdown";
import styles from "./Detail.module.css";
import { Events } from "./Events";
import { InputOutput } from "./InputOutput";
import { Links } from "./Links";
import { Messages } from "./Messages";
import type { TabId } from "./tabs";

// Tabs that no span opens on load when they are opened.
const FeedbackPanel = lazy(async () => ({
  default: (await import("@/components/feedback/FeedbackPanel")).FeedbackPanel,
}));
const Attributes = lazy(async () => ({ default: (await import("./Attributes")).Attributes }));
const Parameters = lazy(async () => ({ default: (await import("./Parameters")).Parameters }));

interface Props {
  tab: TabId;
  state: TraceState;
  run: Run | undefined;
}

export function TabContent({ tab, state, run }: Props) {
  if (tab === "breakdown") return <Breakdown t={state.model} i={state.selected} onSelect={state.select} />;
  if (!run) return null;
  switch (tab) {
    case "messages":
      return <Messages key={run.run_id} run={run} state={state} />;
    case "io":
      return <InputOutput key={run.run_id} run={run} state={state} />;
    case "parameters":
      return (
        <Suspense>
          <Parameters run={run} />
        </Suspense>
      );
    case "attributes":
      return (
        <Suspense>
          <Attributes run={run} />
        </Suspense>
      );
    case "events":
      return <Events run={run} />;
    case "feedback":
      return (
        <Suspense>
          <FeedbackPanel key={run.run_id} projectId={run.project.id} traceId={run.trace_id} runId={run.run_id} />
        </Suspense>
      );
    case "links":
      return <Links run={run} state={state} />;
    case "raw":
      return (
        <div className={styles.stack}>
          <PayloadView key={run.run_id} title="Run" field="run" value={run} maxHeight={2400} />
        </div>
      );
  }
}

/** Puts a value's place into the address and copies it. */
export function copyPathLink(tab: TabId, path: string): void {
  const link = new URL(location.href);
  link.searchParams.set("tab", tab);
  link.searchParams.set("path", path);
  void copyText(link.href);
}
