import { ArrowDown, ArrowUp, Trash2 } from "lucide-react";
import { printJson } from "@/lib/api/json";
import { IconButton } from "@/components/Button";
import { RoleCard } from "@/components/RoleCard";
import { SentText } from "@/components/SentText";
import { type DraftMessage, ROLES } from "./edit";
import styles from "./Editor.module.css";

interface Props {
  message: DraftMessage;
  isText: boolean;
  onChange: (message: DraftMessage) => void;
  onUp: (() => void) | undefined;
  onDown: (() => void) | undefined;
  onRemove: () => void;
}

/** One message in fields. */
export function DraftCard({ message, isText, onChange, onUp, onDown, onRemove }: Props) {
  const actions = isText ? null : (
    <>
      <IconButton label="Move up" disabled={!onUp} onClick={onUp}>
        <ArrowUp size={13} aria-hidden />
      </IconButton>
      <IconButton label="Move down" disabled={!onDown} onClick={onDown}>
        <ArrowDown size={13} aria-hidden />
      </IconButton>
      <IconButton label="Remove message" onClick={onRemove}>
        <Trash2 size={13} aria-hidden />
      </IconButton>
    </>
  );
  if (message.variable !== undefined)
    return (
      <RoleCard who="place for messages" actions={actions}>
        <div className={styles.place}>
          <label>
            Variable
            <input
              className="mono"
              value={message.variable}
              spellCheck={false}
              onChange={(event) => onChange({ ...message, variable: event.target.value })}
            />
          </label>
          <label>
            <input
              type="checkbox"
              checked={message.optional === true}
              onChange={(event) => onChange({ ...message, optional: event.target.checked })}
            />
            may be left out
          </label>
        </div>
      </RoleCard>
    );
  if (message.text === null)
    return (
      <RoleCard who={message.role} note="cannot be edited here; it stays as it is" actions={actions}>
        <pre className={styles.fixed}>
          <SentText text={printJson(message.source?.source).slice(0, 600)} />
        </pre>
      </RoleCard>
    );
  return (
    <RoleCard
      who={isText ? "text" : message.role}
      choice={isText ? undefined : <RoleChoice message={message} onChange={onChange} />}
      actions={actions}
    >
      <textarea
        className={styles.text}
        aria-label={isText ? "Text of the prompt" : `Text of the ${message.role} message`}
        value={message.text}
        rows={Math.min(24, message.text.split("\n").length + 1)}
        onChange={(event) => onChange({ ...message, text: event.target.value })}
      />
    </RoleCard>
  );
}

function RoleChoice({ message, onChange }: Pick<Props, "message" | "onChange">) {
  const roles = ROLES.includes(message.role) ? ROLES : [...ROLES, message.role];
  return (
    <select
      className={styles.role}
      aria-label="Role"
      value={message.role}
      onChange={(event) => onChange({ ...message, role: event.target.value })}
    >
      {roles.map((role) => (
        <option key={role} value={role}>
          {role[0]?.toUpperCase() + role.slice(1)}
        </option>
      ))}
    </select>
  );
}
