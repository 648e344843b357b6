//! The API key of this browser. The server answers 401 when it wants one; the app then shows the key form.

import { readSetting, writeSetting } from "../storage";
import { createStore } from "../store";

/** True after a 401, until a key is entered. */
export const keyWanted = createStore(false);

export const readKey = (): string | null => readSetting("api_key");

export function saveKey(key: string | null): void {
  writeSetting("api_key", key);
  keyWanted.set(false);
}
