//! Which elements of a long scrolling list are near the part that is seen, and when their content is made. One
//! observer and one queue for all of them: what is dear to make comes one piece at a time, the nearest first, and not
//! while the list flies by.

import { createContext, type RefObject, startTransition, useContext, useEffect, useState } from "react";
import { Flight } from "./flight";

/** How far beyond the edges something is near. */
const MARGIN_PX = 1200;
/** A slice comes after this even when the page is never idle. */
const PATIENCE_MS = 120;

type Tell = (near: boolean) => void;

class Watch {
  readonly #root: Element;
  readonly #told = new Map<Element, Tell>();
  readonly #observer: IntersectionObserver;
  readonly #flight = new Flight();
  /** What waits to be made. */
  readonly #waiting = new Map<Element, () => void>();
  #slice = 0;

  constructor(root: Element) {
    this.#root = root;
    this.#observer = new IntersectionObserver(
      (entries) => {
        for (const entry of entries) this.#told.get(entry.target)?.(entry.isIntersecting);
      },
      { root, rootMargin: `${MARGIN_PX}px 0px` },
    );
    root.addEventListener("scroll", this.#onScroll, { passive: true });
  }

  add(element: Element, tell: Tell): () => void {
    this.#told.set(element, tell);
    this.#observer.observe(element);
    return () => {
      this.#told.delete(element);
      this.#observer.unobserve(element);
    };
  }

  /** Calls `make` in a slice of its own. */
  wait(element: Element, make: () => void): () => void {
    this.#waiting.set(element, make);
    this.#begin();
    return () => {
      if (this.#waiting.get(element) === make) this.#waiting.delete(element);
    };
  }

  end(): void {
    this.#observer.disconnect();
    this.#root.removeEventListener("scroll", this.#onScroll);
    window.clearTimeout(this.#slice);
    this.#waiting.clear();
  }

  readonly #onScroll = (): void => this.#flight.at(this.#root.scrollTop, performance.now());

  #begin(): void {
    if (this.#slice === 0 && this.#waiting.size > 0)
      this.#slice = window.setTimeout(() => whenIdle(this.#next), this.#flight.rest(performance.now()));
  }

  readonly #next = (): void => {
    this.#slice = 0;
    if (this.#flight.rest(performance.now()) === 0) {
      const element = this.#nearest();
      const make = element && this.#waiting.get(element);
      if (make) {
        this.#waiting.delete(element);
        make();
      }
    }
    this.#begin();
  };

  #nearest(): Element | null {
    const view = this.#root.getBoundingClientRect();
    let [best, least] = [null as Element | null, Infinity];
    for (const element of this.#waiting.keys()) {
      const { top, bottom } = element.getBoundingClientRect();
      const away = Math.max(0, view.top - bottom, top - view.bottom);
      if (away < least) [best, least] = [element, away];
    }
    return best;
  }
}

/** Safari has no idle callbacks. */
const whenIdle = (run: () => void): void => {
  if ("requestIdleCallback" in window) window.requestIdleCallback(run, { timeout: PATIENCE_MS });
  else setTimeout(run, 16);
};

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

/** `near` as soon as it is; `still` when the list has come to rest there. */
export function useNear(element: RefObject<Element | null>): { near: boolean; still: boolean } {
  const watch = useContext(WatchContext);
  const [near, setNear] = useState(false);
  const still = useSlice(element, near ? NEAR : undefined) !== undefined;
  useEffect(() => (watch && element.current ? watch.add(element.current, setNear) : undefined), [watch, element]);
  return { near, still };
}

const NEAR = true;

/** A value as soon as there is time to show it; until then the one before. */
export function useSlice<T>(element: RefObject<Element | null>, value: T | undefined): T | undefined {
  const watch = useContext(WatchContext);
  const [shown, setShown] = useState<T>();
  if (value === undefined && shown !== undefined) setShown(undefined);
  useEffect(() => {
    if (!watch || !element.current || value === undefined || value === shown) return;
    // A transition: a long text is made over several frames.
    return watch.wait(element.current, () => startTransition(() => setShown(value)));
  }, [watch, element, value, shown]);
  return value === undefined ? undefined : shown;
}
