//! The range of a page whose address names none.

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { projectsQuery } from "./api/queries";
import { defaultRange } from "./time-range";

/** Settled once the project is known, so that the list does not change its stretch while it is read. */
export function useDefaultRange(project: string): string {
  const { data } = useQuery(projectsQuery());
  const [settled, setSettled] = useState<string | null>(null);
  const known = data?.find((item) => item.name === project || item.id === project);
  if (known && settled === null) setSettled(defaultRange(known.last_run_at));
  return settled ?? defaultRange(null);
}
