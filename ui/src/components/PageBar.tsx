import type { ReactNode } from "react";
import styles from "./PageBar.module.css";
import { ProjectMenu } from "./ProjectMenu";

/** The frame of every page: a column that fills what the rail leaves. `busy` draws the 2 px progress line. */
export function Page({ busy, children }: { busy?: boolean; children: ReactNode }) {
  return (
    <main className={styles.page} aria-busy={busy || undefined}>
      {busy ? <div className={styles.progress} /> : null}
      {children}
    </main>
  );
}

interface BarProps {
  /** Shown first, as the project switch. */
  project?: string;
  /** Links between the project and the current place. */
  parents?: ReactNode[];
  current: ReactNode;
  /** Status, identity: beside the breadcrumb. */
  children?: ReactNode;
  /** Right side; at most one primary button. */
  actions?: ReactNode;
}

/** Top bar: breadcrumb, then what identifies the page, then actions. */
export function PageBar({ project, parents = [], current, children, actions }: BarProps) {
  return (
    <header className={styles.bar}>
      <nav className={styles.crumbs} aria-label="Breadcrumb">
        <ol>
          {project ? (
            <li>
              <ProjectMenu project={project} />
            </li>
          ) : null}
          {parents.map((parent, index) => (
            // eslint-disable-next-line react/no-array-index-key -- the place in the path is the identity
            <li key={index}>{parent}</li>
          ))}
          <li>
            <span aria-current="page">{current}</span>
          </li>
        </ol>
      </nav>
      {children}
      <span className="grow" />
      {actions ? <div className={styles.actions}>{actions}</div> : null}
    </header>
  );
}
