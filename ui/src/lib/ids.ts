//! Trace and run ids as people paste them.

/** A span id of 16 digits or a run id of 32 in the form that ids have here; anything else as it is. */
export function normaliseKey(key: string): string {
  const hex = key.toLowerCase();
  if (!/^(?:[0-9a-f]{16}|[0-9a-f]{32})$/.test(hex)) return key;
  const all = hex.padStart(32, "0");
  return [all.slice(0, 8), all.slice(8, 12), all.slice(12, 16), all.slice(16, 20), all.slice(20)].join("-");
}
