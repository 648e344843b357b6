import { useEffect } from "react";

/** The name of the page in the tab and in the history. */
export function useTitle(name: string): void {
  useEffect(() => {
    document.title = `${name} · Clearspan`;
  }, [name]);
}
