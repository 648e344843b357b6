import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Check, ChevronDown } from "lucide-react";
import { projectsQuery } from "@/lib/api/queries";
import { formatInt } from "@/lib/format";
import { Menu, MenuItem, MenuSeparator } from "./Menu";
import styles from "./ProjectMenu.module.css";

/** The project in the breadcrumb; opens the list of projects. */
export function ProjectMenu({ project }: { project: string }) {
  const projects = useQuery(projectsQuery());
  const navigate = useNavigate();
  const go = (name: string) => void navigate({ to: "/p/$project/traces", params: { project: name } });
  return (
    <Menu
      trigger={
        <button type="button" className={styles.trigger} title="Switch project">
          <span className="ellipsis">{project}</span>
          <ChevronDown size={12} aria-hidden />
        </button>
      }
    >
      {(projects.data ?? []).map((item) => (
        <MenuItem
          key={item.id}
          icon={item.name === project ? <Check size={14} aria-hidden /> : <span style={{ width: 14 }} />}
          hint={formatInt(item.trace_count)}
          onSelect={() => go(item.name)}
        >
          {item.name}
        </MenuItem>
      ))}
      <MenuSeparator />
      <MenuItem icon={<span style={{ width: 14 }} />} onSelect={() => void navigate({ to: "/projects" })}>
        All projects
      </MenuItem>
    </Menu>
  );
}
