import { useQueries } from "@tanstack/react-query";
import { ChevronRight, Copy } from "lucide-react";
import { originOf } from "@/lib/api/explain";
import { runQuery } from "@/lib/api/queries";
import type { Run } from "@/lib/api/types";
import { DOUBLE, isBilled, isDouble } from "../model/asides";
import { keyOf, type TraceModel } from "../model/types";
import type { TraceState } from "../state/useTraceState";
import styles from "./Doubles.module.css";

/** Reports of one call that are fetched to name who made them. */
const NAMED = 3;

/** Says that a call was reported more than once, by whom, and which report counts. */
export function Doubles({ state, run }: { state: TraceState; run: Run | undefined }) {
  const { model: t, selected: i } = state;
  const others = isDouble(t, i) ? [t.parent[i]].filter((p) => p >= 0) : doublesBelow(t, i);
  const { trace_id, project, version } = t.skeleton;
  const answers = useQueries({
    queries: others.slice(0, NAMED).map((k) => runQuery(trace_id, keyOf(t, k), project.name, version)),
  });
  if (!isDouble(t, i) && others.length === 0) return null;
  const names = instrumentations([run, ...answers.map((answer) => answer.data)]);
  const counted = originOf(run).double_of;
  const billed = isBilled(t, i);
  return (
    <div className={styles.doubles} role="note">
      <Copy size={13} aria-hidden />
      <p>
        {isDouble(t, i) ? (
          <>
            <b>{billed ? "Counts for the other:" : "Not counted:"}</b> {reporters(names, 2)} report the same call, and{" "}
            {billed ? "what is billed is in this report." : "the other report counts."}
          </>
        ) : (
          <>
            <b>Reported {others.length === 1 ? "twice" : `${others.length + 1} times`}:</b> by{" "}
            {reporters(names, others.length + 1)}.{" "}
            {billed || !others.some((other) => isBilled(t, other))
              ? "This report counts; the others are not billed."
              : "What is billed is in the other report, which knows more of it."}
          </>
        )}
      </p>
      {isDouble(t, i) ? (
        <GoTo state={state} node={counted ? (state.nodeOfRun(counted) ?? others[0]) : others[0]}>
          the one that counts
        </GoTo>
      ) : (
        <GoTo state={state} node={others[0]}>
          the other
        </GoTo>
      )}
    </div>
  );
}

function GoTo({ state, node, children }: { state: TraceState; node: number | undefined; children: string }) {
  if (node === undefined) return null;
  return (
    <button type="button" onClick={() => state.select(node)}>
      Go to {children}
      <ChevronRight size={11} aria-hidden />
    </button>
  );
}

function doublesBelow(t: TraceModel, i: number): number[] {
  const out: number[] = [];
  if (t.doubles[i] === 0) return out;
  for (let c = i + 1, end = i + t.size[i]; c < end; c += t.size[c]) if (t.aside[c] === DOUBLE) out.push(c);
  return out;
}

/** By dialect where that tells them apart, else by the scope's name. */
export function instrumentations(runs: (Run | undefined)[]): string[] {
  const known = runs.filter((run): run is Run => run !== undefined);
  const dialects = known.map((run) => run.dialect);
  const apart = new Set(dialects).size === known.length && !dialects.includes(null);
  return known.map((run) => (apart ? run.dialect : (run.scope?.name ?? run.dialect)) ?? "an unnamed instrumentation");
}

function reporters(names: string[], count: number): string {
  if (names.length < Math.min(count, NAMED + 1)) return `${count} instrumentations`;
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
