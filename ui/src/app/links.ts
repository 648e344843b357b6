//! Addresses that LangSmith's SDKs print and people copy: where each leads here. The server sends them below the app.

import { redirect } from "@tanstack/react-router";
import { ApiError } from "@/lib/api/client";
import { v1, v2 } from "@/lib/api/langsmith";
import { projectsQuery } from "@/lib/api/queries";
import { readSetting } from "@/lib/storage";
import { queryClient } from "./query-client";

type Search = Record<string, string | undefined>;

/** What an address names, before anything is looked up. */
export type Named =
  | { page: "home" }
  | { page: "project"; id: string }
  | { page: "run"; id: string }
  /** A page of the workspace: the path below any project. */
  | { page: "workspace"; path: string; search: Search };

const below = (path: string, search: Search = {}): Named => ({ page: "workspace", path, search });

/** Reads the path below `/o/{tenant}`, `/datasets`, `/prompts`, `/hub` or `/context`, which is its first part. */
export function readLink(path: string, search: Search): Named {
  const [area, ...rest] = path.split("/").filter(Boolean);
  if (area === "projects") return readProject(rest);
  if (area === "datasets") return readDataset(rest, search);
  if (area === "annotation-queues") return below(["annotate", ...rest.slice(0, 1)].join("/"));
  if (area === "settings") return below("settings/project");
  if (area === "prompts" || area === "context") return readPrompt(rest[0], rest[1]);
  if (area === "hub") {
    // The owner is this workspace; Python puts a colon before the commit, JavaScript a slash.
    const [name, commit] = (rest[1] ?? "").split(":");
    return readPrompt(name || undefined, commit || rest[2]);
  }
  return { page: "home" };
}

function readProject([p, id, r, run]: string[]): Named {
  if (p !== "p" || !id) return { page: "home" };
  return r === "r" && run ? { page: "run", id: run } : { page: "project", id };
}

function readDataset([id, page, example]: string[], search: Search): Named {
  if (!id) return below("datasets");
  if (page === "compare")
    return below(`datasets/${id}/compare`, {
      ids: search.selectedSessions,
      pair: search.comparativeExperiment,
    });
  return below(`datasets/${id}`, { example: page === "e" ? example : undefined });
}

const readPrompt = (name: string | undefined, commit: string | undefined): Named =>
  name ? below(`prompts/${name}`, { commit: commit === "latest" ? undefined : commit }) : below("prompts");

/** Goes to what an address names. Throws the redirect, or what the server says. */
export async function follow(path: string, search: Search): Promise<never> {
  const named = readLink(path, search);
  if (named.page === "home") throw redirect({ to: "/" });
  if (named.page === "project") throw to((await sessionOf(named.id)).name, "traces");
  if (named.page === "run") {
    const run = await runOf(named.id, search.poll !== undefined);
    throw to((await sessionOf(run.project_id)).name, `traces/${run.trace_id}`, { span: named.id });
  }
  const projects = await queryClient.ensureQueryData(projectsQuery());
  const last = readSetting("project");
  const project = projects.find((item) => item.name === last) ?? projects[0];
  throw project ? to(project.name, named.path, named.search) : redirect({ to: "/" });
}

// The path is put together, so the router cannot know which of its routes it is.
const to = (project: string, path: string, search: Search = {}) =>
  redirect({ to: `/p/${encodeURIComponent(project)}/${path}`, search } as unknown as { to: "/" });

const sessionOf = (id: string): Promise<{ name: string }> => v1.get(`/sessions/${encodeURIComponent(id)}`);

/** A program prints the link before its runs have arrived. */
const ATTEMPTS = 10;
const PAUSE_MS = 500;

async function runOf(id: string, waits: boolean): Promise<{ project_id: string; trace_id: string }> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await v2.get(`/runs/${encodeURIComponent(id)}`, { query: { selects: ["PROJECT_ID", "TRACE_ID"] } });
    } catch (error) {
      const absent = error instanceof ApiError && error.status === 404;
      if (!absent || !waits || attempt === ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}
