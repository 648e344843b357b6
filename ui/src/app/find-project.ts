//! A project that the address names and the server does not have.

import type { QueryClient } from "@tanstack/react-query";
import { projectsQuery } from "@/lib/api/queries";
import { createStore } from "@/lib/store";

/** Its name, once the server said so. */
export const lostProject = createStore<string | null>(null);

/** Pages of what a project holds. Datasets, queues, prompts, rules and SQL are of the workspace, whatever the address says. */
const OF_PROJECT = /\/p\/([^/]+)\/(?:traces|threads|logs|metrics|settings\/project)(?:\/|$)/;

/** The project that the page at this path cannot do without. */
export function neededProject(path: string): string | null {
  const [, name] = OF_PROJECT.exec(path) ?? [];
  return name === undefined ? null : decodeURIComponent(name);
}

/** Something was not found: is it the whole project? Asks the server, not what was known, which may be of a moment ago. */
export async function findProject(client: QueryClient, project: string): Promise<void> {
  const projects = await client.fetchQuery({ ...projectsQuery(), staleTime: 0 });
  const isThere = projects.some((one) => one.name === project);
  if (!isThere) lostProject.set(project);
  else if (lostProject.get() === project) lostProject.set(null);
}
