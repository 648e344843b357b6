import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Check, ChevronDown } from "lucide-react";
import { projectsQuery } from "@/lib/api/queries";
import { formatInt } from "@/lib/format";
import { Menu, MenuItem, MenuSeparator } from "./Menu";
import styles from "./ProjectMenu.module.css";

const NO_MARK = <span style={{ width: 14 }} />;

/** The project in the breadcrumb; opens the list of projects. */
export function ProjectMenu({ project }: { project: string }) {
  return (
    <Menu
      trigger={
        <button type="button" className={styles.trigger} title="Switch project">
          <span className="ellipsis">{project}</span>
          <ChevronDown size={12} aria-hidden />
        </button>
      }
    >
      <Projects current={project} />
    </Menu>
  );
}

function Projects({ current }: { current: string }) {
  const projects = useQuery(projectsQuery());
  const navigate = useNavigate();
  return (
    <>
      {(projects.data ?? []).map((item) => (
        <MenuItem
          key={item.id}
          icon={item.name === current ? <Check size={14} aria-hidden /> : NO_MARK}
          hint={formatInt(item.trace_count)}
          onSelect={() => void navigate({ to: "/p/$project/traces", params: { project: item.name } })}
        >
          {item.name}
        </MenuItem>
      ))}
      <MenuSeparator />
      <MenuItem icon={NO_MARK} onSelect={() => void navigate({ to: "/projects" })}>
        All projects
      </MenuItem>
    </>
  );
}
