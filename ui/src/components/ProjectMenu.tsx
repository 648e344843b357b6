import { ChevronDown } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import styles from "./ProjectMenu.module.css";

// A menu is much code for a word in the breadcrumb: it loads when it is opened for the first time.
const List = lazy(() => import("./ProjectMenuList"));

/** The project in the breadcrumb; opens the list of projects. */
export function ProjectMenu({ project }: { project: string }) {
  const [opened, setOpened] = useState(false);
  const trigger = (
    <button
      type="button"
      className={styles.trigger}
      title="Switch project"
      aria-haspopup="menu"
      onClick={opened ? undefined : () => setOpened(true)}
    >
      <span className="ellipsis">{project}</span>
      <ChevronDown size={12} aria-hidden />
    </button>
  );
  if (!opened) return trigger;
  return (
    <Suspense fallback={trigger}>
      <List project={project} trigger={trigger} />
    </Suspense>
  );
}
