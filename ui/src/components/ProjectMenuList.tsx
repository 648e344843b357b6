import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Check } from "lucide-react";
import type { ReactElement } from "react";
import { projectsQuery } from "@/lib/api/queries";
import { formatInt } from "@/lib/format";
import { Menu, MenuItem, MenuSeparator } from "./Menu";

const NO_MARK = <span style={{ width: 14 }} />;

/** Opens as soon as it is mounted: it was asked for by a click. */
export default function ProjectMenuList({ project, trigger }: { project: string; trigger: ReactElement }) {
  const projects = useQuery(projectsQuery());
  const navigate = useNavigate();
  return (
    <Menu trigger={trigger} defaultOpen>
      {(projects.data ?? []).map((item) => (
        <MenuItem
          key={item.id}
          icon={item.name === project ? <Check size={14} aria-hidden /> : NO_MARK}
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
    </Menu>
  );
}
