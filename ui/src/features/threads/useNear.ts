//! Which elements of a long scrolling list are near the part that is seen. One observer for all of them.

import { createContext, type RefObject, useContext, useEffect, useState } from "react";

/** How far beyond the edges something is near. */
const MARGIN_PX = 1200;

type Tell = (near: boolean) => void;

class Watch {
  readonly #told = new Map<Element, Tell>();
  readonly #observer: IntersectionObserver;

  constructor(root: Element) {
    this.#observer = new IntersectionObserver(
      (entries) => {
        for (const entry of entries) this.#told.get(entry.target)?.(entry.isIntersecting);
      },
      { root, rootMargin: `${MARGIN_PX}px 0px` },
    );
  }

  add(element: Element, tell: Tell): () => void {
    this.#told.set(element, tell);
    this.#observer.observe(element);
    return () => {
      this.#told.delete(element);
      this.#observer.unobserve(element);
    };
  }

  end(): void {
    this.#observer.disconnect();
  }
}

export const WatchContext = createContext<Watch | null>(null);

/** Made once for a scrolling element; null until it is there. */
export function useWatch(root: RefObject<Element | null>): Watch | null {
  const [watch, setWatch] = useState<Watch | null>(null);
  useEffect(() => {
    if (!root.current) return;
    const made = new Watch(root.current);
    setWatch(made);
    return () => made.end();
  }, [root]);
  return watch;
}

export function useNear(element: RefObject<Element | null>): boolean {
  const watch = useContext(WatchContext);
  const [near, setNear] = useState(false);
  useEffect(() => (watch && element.current ? watch.add(element.current, setNear) : undefined), [watch, element]);
  return near;
}
