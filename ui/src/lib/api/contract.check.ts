//! Fails to compile when types.ts and the server's schemas name different fields: `npm run typecheck` is the test.

import type { components } from "./openapi.gen";
import type * as ours from "./types";

type Schemas = components["schemas"];

/** `true` when both have the same fields; otherwise the names that differ, so that the error says them. */
type SameFields<Ours, Theirs> = [Exclude<keyof Ours, keyof Theirs>, Exclude<keyof Theirs, keyof Ours>] extends [
  never,
  never,
]
  ? true
  : { onlyInUi: Exclude<keyof Ours, keyof Theirs>; onlyInServer: Exclude<keyof Theirs, keyof Ours> };

type AllTrue<T extends Record<string, true>> = T;

export type Checked = AllTrue<{
  info: SameFields<ours.Info, Schemas["Info"]>;
  project: SameFields<ours.Project, Schemas["ProjectRow"]>;
  traceRow: SameFields<ours.TraceRow, Schemas["TraceRow"]>;
  tracePage: SameFields<ours.TracePage, Schemas["TraceList"]>;
  runRow: SameFields<ours.RunRow, Schemas["RunRow"]>;
  histogram: SameFields<ours.Histogram, Schemas["HistogramAnswer"]>;
  facet: SameFields<ours.Facet, Schemas["FacetRow"]>;
  stats: SameFields<ours.Stats, Schemas["StatsAnswer"]>;
  skeleton: SameFields<ours.Skeleton, Schemas["Skeleton"]>;
  totals: SameFields<ours.Skeleton["totals"], Schemas["SkeletonTotals"]>;
  columns: SameFields<ours.SkeletonColumns, Schemas["Columns"]>;
  verdict: SameFields<ours.Verdict, Schemas["Verdict"]>;
  finding: SameFields<ours.Finding, Schemas["Finding"]>;
  run: SameFields<ours.Run, Schemas["RunAnswer"]>;
  payload: SameFields<ours.Payload, Schemas["PayloadAnswer"]>;
  usage: SameFields<ours.Usage, Schemas["UsageAnswer"]>;
  cost: SameFields<ours.Cost, Schemas["CostAnswer"]>;
  demo: SameFields<ours.Demo, Schemas["DemoAnswer"]>;
  feedback: SameFields<ours.Feedback, Schemas["FeedbackAnswer"]>;
  feedbackFigures: SameFields<ours.FeedbackFigures, Schemas["FeedbackFigures"]>;
  feedbackMark: SameFields<ours.FeedbackMark, Schemas["FeedbackMark"]>;
  thread: SameFields<ours.ThreadRow, Schemas["ThreadRow"]>;
  threadPage: SameFields<ours.ThreadPage, Schemas["ThreadList"]>;
  diagnostic: SameFields<ours.Diagnostic, Schemas["DiagnosticRow"]>;
}>;
