//! The clock of a running trace: its open runs end now.

import { useEffect, useState } from "react";
import type { Skeleton } from "@/lib/api/types";

/** A run that has not ended an hour after the last sign of life will not grow for ever on screen. */
const GIVE_UP_US = 3_600e6;
const TICK_MS = 1000;

/** Microseconds since the trace began where open runs end; ticks while the trace runs. */
export function useNow(skeleton: Skeleton | undefined): number | undefined {
  // Once the root has ended, a run without an end lost it; it is not still growing.
  const running = skeleton?.running === true && skeleton.status === "pending";
  const [now, setNow] = useState(() => Date.now() * 1000);
  useEffect(() => {
    if (!running) return;
    const timer = setInterval(() => document.hidden || setNow(Date.now() * 1000), TICK_MS);
    return () => clearInterval(timer);
  }, [running]);
  if (!skeleton || !running) return undefined;
  const since = now - skeleton.start_time;
  return since > skeleton.duration_us && since < skeleton.duration_us + GIVE_UP_US ? since : skeleton.duration_us;
}
