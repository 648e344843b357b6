import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Command } from "cmdk";
import { useState } from "react";
import { projectsQuery } from "@/lib/api/queries";
import { allCommands } from "@/lib/commands";
import { Dialog } from "@/components/Dialog";
import { Keys } from "@/components/Keys";
import styles from "./CommandMenu.module.css";

const TRACE_ID = /^(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i;

/** ⌘K: jump to a page, a project or a trace id, or run any action of the page. */
export default function CommandMenu({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate();
  const projects = useQuery(projectsQuery());
  const [text, setText] = useState("");
  // Read once: what the menu shows must not change under the pointer.
  const [commands] = useState(() => allCommands().filter((command) => !command.keysOnly && command.id !== "menu"));
  const groups = [...new Set(commands.map((command) => command.group))];
  const run = (action: () => void) => () => {
    onClose();
    action();
  };
  const id = text.trim();
  return (
    <Dialog title="Command menu" hideTitle width={560} onClose={onClose}>
      <Command className={styles.menu} label="Command menu" loop>
        <Command.Input placeholder="Type an action, a project or a trace id" value={text} onValueChange={setText} />
        <Command.List className={styles.list}>
          <Command.Empty className={styles.none}>Nothing matches.</Command.Empty>
          {TRACE_ID.test(id) ? (
            <Command.Item
              className={styles.item}
              value={id}
              onSelect={run(() => void navigate({ to: "/t/$traceId", params: { traceId: id } }))}
            >
              Open trace {id}
            </Command.Item>
          ) : null}
          {groups.map((group) => (
            <Command.Group key={group} heading={group}>
              {commands
                .filter((command) => command.group === group)
                .map((command) => (
                  <Command.Item
                    key={command.id}
                    className={styles.item}
                    value={`${group} ${command.title}`}
                    onSelect={run(command.run)}
                  >
                    {command.title}
                    <span className="grow" />
                    {command.keys?.[0] ? <Keys name={command.keys[0]} /> : null}
                  </Command.Item>
                ))}
            </Command.Group>
          ))}
          {projects.data && projects.data.length > 0 ? (
            <Command.Group heading="Projects">
              {projects.data.map((project) => (
                <Command.Item
                  key={project.id}
                  className={styles.item}
                  value={`project ${project.name}`}
                  onSelect={run(() => void navigate({ to: "/p/$project/traces", params: { project: project.name } }))}
                >
                  {project.name}
                </Command.Item>
              ))}
            </Command.Group>
          ) : null}
        </Command.List>
      </Command>
    </Dialog>
  );
}
