import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { v1 } from "@/lib/api/langsmith";
import { messageOf } from "@/lib/api/client";
import { IconButton } from "@/components/Button";
import styles from "./DatasetPage.module.css";

interface Props {
  runId: string;
  label: string;
  /** An icon; without it the label stands there. */
  children?: ReactNode;
}

/** Leads to the trace of a run of which only the id is known. */
export function SourceTrace({ runId, label, children }: Props) {
  const navigate = useNavigate();
  const find = useMutation({
    mutationFn: () =>
      v1.get<{ id: string; trace_id: string }>(`/runs/${runId}`, { query: { select: ["id", "trace_id"] } }),
    onSuccess: (run) => void navigate({ to: "/t/$traceId/$runId", params: { traceId: run.trace_id, runId: run.id } }),
  });
  const told = find.isError ? messageOf(find.error) : label;
  if (children)
    return (
      <IconButton label={told} disabled={find.isPending} onClick={() => find.mutate()}>
        {children}
      </IconButton>
    );
  return (
    <>
      <button type="button" className={styles.link} disabled={find.isPending} onClick={() => find.mutate()}>
        {label}
      </button>
      {find.isError ? <span className={styles.bad}> {messageOf(find.error)}</span> : null}
    </>
  );
}
