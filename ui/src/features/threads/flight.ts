//! Whether a list is being flung: scrolled faster than anybody reads.

/** More than two screens a second. */
const FAST_PX_PER_MS = 2;
/** Steps that lie farther apart are two gestures: a jump is no flight. */
const APART_MS = 100;
/** A list that was not fast for so long has come to rest. */
const REST_MS = 90;

export class Flight {
  #top = 0;
  #time = -Infinity;
  #until = -Infinity;

  /** The list is at `top` now. */
  at(top: number, now: number): void {
    const [px, ms] = [Math.abs(top - this.#top), now - this.#time];
    if (ms < APART_MS && px > ms * FAST_PX_PER_MS) this.#until = now + REST_MS;
    [this.#top, this.#time] = [top, now];
  }

  /** Milliseconds until it may be at rest; 0 when it is. */
  rest(now: number): number {
    return Math.max(0, this.#until - now);
  }
}
