import { Outlet, useNavigate, useParams, useRouterState } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useState } from "react";
import { keyWanted } from "@/lib/api/auth";
import { useCommands } from "@/lib/commands";
import { useKeyDispatch } from "@/lib/keys";
import { readSetting, writeSetting } from "@/lib/storage";
import { useStore } from "@/lib/store";
import { nextTheme } from "@/lib/theme";
import { copyText } from "@/components/CopyButton";
import { lostProject, neededProject } from "./find-project";
import styles from "./Frame.module.css";
import { KeyForm } from "./KeyForm";
import { Rail } from "./Rail";

const CommandMenu = lazy(() => import("./CommandMenu"));
const KeyHelp = lazy(() => import("./KeyHelp"));
const NoProject = lazy(() => import("./NoProject"));

/** Rail on the left, the page beside it, and what belongs to every page: keys, command menu, key form. */
export function Frame() {
  const [overlay, setOverlay] = useState<"commands" | "keys" | null>(null);
  const { project } = useParams({ strict: false });
  const navigate = useNavigate();
  useKeyDispatch();
  useEffect(() => {
    if (project) writeSetting("project", project);
  }, [project]);

  useCommands([
    {
      id: "menu",
      title: "Command menu",
      group: "Everywhere",
      keys: ["Mod+k"],
      inFields: true,
      keysOnly: true,
      run: () => setOverlay("commands"),
    },
    {
      id: "go-traces",
      title: "Go to traces",
      group: "Everywhere",
      keys: ["g t"],
      run: () => goTo("/p/$project/traces"),
    },
    {
      id: "go-threads",
      title: "Go to threads",
      group: "Everywhere",
      keys: ["g h"],
      run: () => goTo("/p/$project/threads"),
    },
    {
      id: "go-datasets",
      title: "Go to datasets and experiments",
      group: "Everywhere",
      keys: ["g d"],
      run: () => goTo("/p/$project/datasets"),
    },
    {
      id: "go-annotate",
      title: "Go to annotation queues",
      group: "Everywhere",
      keys: ["g a"],
      run: () => goTo("/p/$project/annotate"),
    },
    {
      id: "go-prompts",
      title: "Go to prompts",
      group: "Everywhere",
      keys: ["g i"],
      run: () => goTo("/p/$project/prompts"),
    },
    { id: "go-logs", title: "Go to logs", group: "Everywhere", keys: ["g l"], run: () => goTo("/p/$project/logs") },
    {
      id: "go-metrics",
      title: "Go to metrics",
      group: "Everywhere",
      keys: ["g m"],
      run: () => goTo("/p/$project/metrics"),
    },
    { id: "go-sql", title: "Go to SQL", group: "Everywhere", keys: ["g q"], run: () => goTo("/p/$project/sql") },
    {
      id: "go-rules",
      title: "Go to mapping rules",
      group: "Everywhere",
      keys: ["g r"],
      run: () => goTo("/p/$project/settings/rules"),
    },
    {
      id: "go-project-settings",
      title: "Go to project settings",
      group: "Everywhere",
      keys: ["g o"],
      run: () => goTo("/p/$project/settings/project"),
    },
    {
      id: "go-setup",
      title: "Send traces",
      group: "Everywhere",
      keys: ["g s"],
      run: () => void navigate({ to: "/setup" }),
    },
    {
      id: "go-projects",
      title: "All projects",
      group: "Everywhere",
      keys: ["g p"],
      run: () => void navigate({ to: "/projects" }),
    },
    {
      id: "theme",
      title: "Light, dark or system theme",
      group: "Everywhere",
      keys: ["T"],
      run: () => void nextTheme(),
    },
    {
      id: "copy-link",
      title: "Copy link to this page",
      group: "Everywhere",
      keys: ["Mod+Shift+c"],
      run: () => void copyText(location.href),
    },
    { id: "keys", title: "Keyboard shortcuts", group: "Everywhere", keys: ["?"], run: () => setOverlay("keys") },
  ]);
  const goTo = (
    to:
      | "/p/$project/traces"
      | "/p/$project/threads"
      | "/p/$project/datasets"
      | "/p/$project/annotate"
      | "/p/$project/prompts"
      | "/p/$project/logs"
      | "/p/$project/metrics"
      | "/p/$project/sql"
      | "/p/$project/settings/rules"
      | "/p/$project/settings/project",
  ) => {
    const last = project ?? readSetting("project");
    void (last ? navigate({ to, params: { project: last } }) : navigate({ to: "/" }));
  };

  const locked = useStore(keyWanted);
  const lost = useStore(lostProject);
  const needed = useRouterState({ select: ({ location }) => neededProject(location.pathname) });
  // Readers of a shared page have no key and nowhere else to go.
  const isShared = useRouterState({
    select: (state) => state.matches.some((one) => one.routeId.startsWith("/public/")),
  });
  if (isShared)
    return (
      <div className={styles.alone}>
        <Outlet />
      </div>
    );
  return (
    <div className={styles.frame}>
      <button type="button" className={styles.skip} onClick={focusPage}>
        Skip to the page
      </button>
      <Rail project={project} onCommands={() => setOverlay("commands")} onKeys={() => setOverlay("keys")} />
      {locked ? (
        <KeyForm />
      ) : needed !== null && needed === lost ? (
        <Suspense>
          <NoProject project={needed} />
        </Suspense>
      ) : (
        <Outlet />
      )}
      <Suspense>
        {overlay === "commands" ? <CommandMenu onClose={() => setOverlay(null)} /> : null}
        {overlay === "keys" ? <KeyHelp onClose={() => setOverlay(null)} /> : null}
      </Suspense>
    </div>
  );
}

/** Only for as long as it has the focus: else a click beside everything would take the focus from where keys act. */
function focusPage(): void {
  const page = document.querySelector("main");
  if (!page) return;
  page.tabIndex = -1;
  page.focus();
  page.addEventListener("blur", () => page.removeAttribute("tabindex"), { once: true });
}
