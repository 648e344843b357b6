import { useMemo } from "react";
import type { Message } from "@/lib/api/types";
import { pairResults, turnsOf, toolNamesOf } from "./chat";
import { MessageCard } from "./MessageCard";

/** Messages one below the other; results of tools are shown with their calls. */
export function MessageList({ messages }: { messages: Message[] }) {
  const { turns, toolNames } = useMemo(
    () => ({ turns: pairResults(turnsOf(messages)), toolNames: toolNamesOf(messages) }),
    [messages],
  );
  return turns.map((turn) => <MessageCard key={turn.index} turn={turn} toolNames={toolNames} />);
}
