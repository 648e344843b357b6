import { useSyncExternalStore } from "react";

/** True while the media query holds. Make the list once, outside components: `const narrow = matchMedia("…")`. */
export function useMediaQuery(query: MediaQueryList): boolean {
  return useSyncExternalStore(
    (listener) => {
      query.addEventListener("change", listener);
      return () => query.removeEventListener("change", listener);
    },
    () => query.matches,
  );
}
