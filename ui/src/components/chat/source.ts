//! Messages as they are meant to be read, or as they were sent: one switch for the pane, remembered.

import { createContext, useState } from "react";
import { useCommands } from "@/lib/commands";
import { readSetting, writeSetting } from "@/lib/storage";

const SETTING = "messages.source";

/** True: show texts as they were sent. */
export const SourceContext = createContext(false);

/** The state of the switch, and `m` to flip it. */
export function useSourceSwitch(): boolean {
  const [source, setSource] = useState(() => readSetting(SETTING) === "1");
  const flip = () => {
    setSource(!source);
    writeSetting(SETTING, source ? null : "1");
  };
  useCommands([{ id: "source", title: "Messages as sent, or as read", group: "Details", keys: ["m"], run: flip }]);
  return source;
}
