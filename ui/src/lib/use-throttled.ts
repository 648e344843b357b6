//! A function that runs at once, and then no more often than every so many milliseconds; the last call is never lost.

import { useEffect, useMemo, useRef } from "react";

export function useThrottled(run: () => void, ms: number): () => void {
  const latest = useRef(run);
  useEffect(() => {
    latest.current = run;
  });
  const throttled = useMemo(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let again = false;
    const fire = (): void => {
      again = false;
      latest.current();
      timer = setTimeout(() => {
        timer = undefined;
        if (again) fire();
      }, ms);
    };
    return {
      call: () => {
        if (timer === undefined) fire();
        else again = true;
      },
      stop: () => {
        clearTimeout(timer);
        timer = undefined;
      },
    };
  }, [ms]);
  useEffect(() => throttled.stop, [throttled]);
  return throttled.call;
}
