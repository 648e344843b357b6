// What the programs for LangSmith's JavaScript client share.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** Everything that an asynchronous iterator gives. */
export async function all(found) {
  const items = [];
  for await (const item of found) items.push(item);
  return items;
}

/** The status with which the server refused. Older releases tell it in the message alone. */
export async function refusal(promise) {
  const error = await promise.then(() => undefined, (refused) => refused);
  if (error === undefined) return "not refused";
  return error.status ?? Number(/\[(\d{3})\]/.exec(error.message)?.[1] ?? NaN);
}

/** The last line of a program: what it read, for the test that started it. */
export function report(read) {
  const manifest = createRequire(import.meta.url).resolve("langsmith/package.json");
  console.log(JSON.stringify({ ...read, version: JSON.parse(readFileSync(manifest, "utf8")).version }));
}
