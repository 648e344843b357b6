import type { Said as Side } from "@/lib/conversation";
import { partsOf } from "@/components/chat/chat";
import { PartView } from "@/components/chat/PartView";
import { JsonView } from "@/components/JsonView";
import styles from "./TurnView.module.css";

/** One side of a turn, as it is meant to be read. */
export function Said({ said, label }: { said: Side; label: string }) {
  const { messages, text, rest } = said;
  if (text !== null) return <PartView part={{ type: "text", text }} />;
  if (messages.length > 0)
    // Messages and parts have no identity but their place.
    return messages.map((message, m) => partsOf(message).map((part, p) => <PartView key={`${m} ${p}`} part={part} />));
  return rest === null ? null : (
    <div className={styles.json}>
      <JsonView data={rest} maxHeight={320} label={label} />
    </div>
  );
}
