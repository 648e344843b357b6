import { Link } from "@tanstack/react-router";
import {
  ChartLine,
  Command,
  Database,
  FlaskConical,
  Keyboard,
  ListTree,
  MessagesSquare,
  Monitor,
  Moon,
  PenLine,
  ScrollText,
  Send,
  Settings,
  Shuffle,
  SquareTerminal,
  Sun,
} from "lucide-react";
import { readSetting } from "@/lib/storage";
import { useStore } from "@/lib/store";
import { nextTheme, themeChoice } from "@/lib/theme";
import { keyLabel } from "@/lib/keys";
import styles from "./Frame.module.css";

const ICON = { size: 16, strokeWidth: 1.75, "aria-hidden": true } as const;

interface Props {
  project: string | undefined;
  onCommands: () => void;
  onKeys: () => void;
}

/** Only what exists is on the rail. */
export function Rail({ project, onCommands, onKeys }: Props) {
  const choice = useStore(themeChoice);
  const ThemeIcon = { system: Monitor, light: Sun, dark: Moon }[choice];
  const last = project ?? readSetting("project");
  return (
    <nav className={styles.rail} aria-label="Main">
      <Link to="/" aria-label="Clearspan, home" title="Clearspan">
        <Mark />
      </Link>
      {last ? (
        <ProjectPages project={last} />
      ) : (
        <Link to="/projects" className={styles.item} aria-label="Projects" title="Projects  G then P">
          <ListTree {...ICON} />
        </Link>
      )}
      <Link to="/setup" className={styles.item} aria-label="Send traces" title="Send traces  G then S">
        <Send {...ICON} />
      </Link>
      <span className="grow" />
      <button type="button" onClick={onCommands} aria-label="Command menu" title={`Command menu  ${keyLabel("Mod+k")}`}>
        <Command {...ICON} />
      </button>
      <button type="button" onClick={onKeys} aria-label="Keyboard shortcuts" title="Keyboard shortcuts  ?">
        <Keyboard {...ICON} />
      </button>
      <button type="button" onClick={() => nextTheme()} aria-label={`Theme: ${choice}`} title={`Theme: ${choice}  ⇧T`}>
        <ThemeIcon {...ICON} />
      </button>
    </nav>
  );
}

function ProjectPages({ project }: { project: string }) {
  const params = { project };
  const { item } = styles;
  return (
    <>
      <Link to="/p/$project/traces" params={params} className={item} aria-label="Traces" title="Traces  G then T">
        <ListTree {...ICON} />
      </Link>
      <Link to="/p/$project/threads" params={params} className={item} aria-label="Threads" title="Threads  G then H">
        <MessagesSquare {...ICON} />
      </Link>
      <Link to="/p/$project/datasets" params={params} className={item} aria-label="Datasets" title="Datasets  G then D">
        <FlaskConical {...ICON} />
      </Link>
      <Link
        to="/p/$project/annotate"
        params={params}
        className={item}
        aria-label="Annotate"
        title="Annotation queues  G then A"
      >
        <PenLine {...ICON} />
      </Link>
      <Link to="/p/$project/prompts" params={params} className={item} aria-label="Prompts" title="Prompts  G then I">
        <SquareTerminal {...ICON} />
      </Link>
      <Link to="/p/$project/logs" params={params} className={item} aria-label="Logs" title="Logs  G then L">
        <ScrollText {...ICON} />
      </Link>
      <Link to="/p/$project/metrics" params={params} className={item} aria-label="Metrics" title="Metrics  G then M">
        <ChartLine {...ICON} />
      </Link>
      <Link to="/p/$project/sql" params={params} className={item} aria-label="SQL" title="SQL  G then Q">
        <Database {...ICON} />
      </Link>
      <Link
        to="/p/$project/settings/rules"
        params={params}
        className={item}
        aria-label="Mapping rules"
        title="Mapping rules  G then R"
      >
        <Shuffle {...ICON} />
      </Link>
      <Link
        to="/p/$project/settings/project"
        params={params}
        className={item}
        aria-label="Project settings"
        title="Project settings  G then O"
      >
        <Settings {...ICON} />
      </Link>
    </>
  );
}

/** Three offset bars, the last one red. */
const Mark = () => (
  <svg className={styles.mark} viewBox="0 0 26 26" aria-hidden>
    <rect x="3" y="4" width="14" height="4.5" rx="1.6" fill="var(--t1)" />
    <rect x="8" y="10.75" width="15" height="4.5" rx="1.6" fill="var(--llm)" />
    <rect x="12" y="17.5" width="7" height="4.5" rx="1.6" fill="var(--err)" />
  </svg>
);
