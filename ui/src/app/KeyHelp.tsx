import { useState } from "react";
import { allCommands } from "@/lib/commands";
import { Dialog } from "@/components/Dialog";
import { Keys } from "@/components/Keys";
import styles from "./KeyHelp.module.css";

/** `?`: the keys of this page. Written from the same registry that acts on them, so it cannot lie. */
export default function KeyHelp({ onClose }: { onClose: () => void }) {
  const [commands] = useState(() => allCommands().filter((command) => command.keys && command.keys.length > 0));
  const groups = [...new Set(commands.map((command) => command.group))];
  return (
    <Dialog title="Keyboard" width={900} onClose={onClose}>
      {groups.map((group) => (
        <section key={group} className={styles.group}>
          <h3>{group}</h3>
          <dl className={styles.list}>
            {commands
              .filter((command) => command.group === group)
              .map((command) => (
                <div key={command.id}>
                  <dt>
                    {command.keys?.slice(0, 2).map((key) => (
                      <Keys key={key} name={key} />
                    ))}
                  </dt>
                  <dd>{command.title}</dd>
                </div>
              ))}
          </dl>
        </section>
      ))}
    </Dialog>
  );
}
