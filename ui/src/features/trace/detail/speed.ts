/** Where less of the call than this came after the first token, that one was stamped when all was there. */
const LEAST_STREAMING = 0.05;

/** Output tokens in a second, rounded; null where the times say nothing about it. Times are in microseconds. */
export function outputSpeed(output: number | null, duration: number, firstToken: number | null): number | null {
  const streaming = firstToken === null ? duration : duration - firstToken;
  if (!output || streaming <= 0 || streaming < duration * LEAST_STREAMING) return null;
  return Math.round(output / (streaming / 1e6));
}
