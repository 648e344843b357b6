import { ListTree, ScrollText } from "lucide-react";
import { Segmented } from "@/components/Segmented";
import type { TraceState } from "../state/useTraceState";

type View = "timeline" | "logs";

const VIEWS = [
  { value: "timeline", label: "Timeline", icon: <ListTree size={12} aria-hidden /> },
  { value: "logs", label: "Logs", icon: <ScrollText size={12} aria-hidden /> },
] as const satisfies readonly { value: View; label: string; icon: unknown }[];

/** The same trace, the same selection, seen another way. */
export function ViewSwitch({ state, view }: { state: TraceState; view: View }) {
  return (
    <Segmented<View>
      label="View"
      value={view}
      options={VIEWS}
      onChange={(next) => state.url.set({ as: next === "logs" ? "logs" : undefined })}
    />
  );
}
