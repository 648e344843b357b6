//! Prompts: repositories, their commits and tags, and what the calls that name a commit cost.

import { queryOptions } from "@tanstack/react-query";
import { v1 } from "./langsmith";
import { askSql } from "./sql";

export type PromptKind = "prompt" | "agent" | "skill";

export interface Prompt {
  id: string;
  repo_handle: string;
  repo_type: PromptKind;
  owner: string;
  description: string | null;
  readme: string | null;
  tags: string[];
  is_public: boolean;
  is_archived: boolean;
  created_at: string;
  updated_at: string;
  num_downloads: number;
  num_commits: number;
  last_commit_hash: string | null;
}

export interface Commit {
  id: string;
  commit_hash: string;
  parent_commit_hash: string | null;
  description: string | null;
  created_at: string;
  manifest: unknown;
}

export interface CommitTag {
  tag_name: string;
  commit_id: string;
  commit_hash: string;
}

export type PromptAbout = Partial<Pick<Prompt, "description" | "readme" | "tags" | "is_public" | "is_archived">>;

/** The route of one prompt; `-` stands for the caller's own workspace. */
const at = (root: string, name: string): string => `/${root}/-/${encodeURIComponent(name)}`;

const PAGE = 100;

export const fetchPrompts = (
  asked: { query?: string; kind: PromptKind; archived: boolean; offset: number },
  signal?: AbortSignal,
): Promise<{ repos: Prompt[]; total: number }> =>
  v1.get("/repos", {
    query: {
      query: asked.query,
      repo_type: asked.kind,
      is_archived: asked.archived,
      limit: PAGE,
      offset: asked.offset,
      sort_field: "updated_at",
      sort_direction: "desc",
    },
    signal,
  });

export const promptQuery = (name: string) =>
  queryOptions({
    queryKey: ["prompt", name],
    queryFn: async ({ signal }) => (await v1.get<{ repo: Prompt }>(at("repos", name), { signal })).repo,
  });

export const COMMITS_A_PAGE = 50;

/** The newest first, with what they hold: reading them so counts as no pull. */
export const fetchCommits = (
  name: string,
  offset: number,
  signal?: AbortSignal,
): Promise<{ commits: Commit[]; total: number }> =>
  v1.get(at("commits", name), { query: { limit: COMMITS_A_PAGE, offset }, signal });

export const promptTagsQuery = (name: string) =>
  queryOptions({
    queryKey: ["prompt-tags", name],
    queryFn: ({ signal }) => v1.get<CommitTag[]>(`${at("repos", name)}/tags`, { signal }),
  });

export const createPrompt = (body: PromptAbout & { repo_handle: string }): Promise<{ repo: Prompt }> =>
  v1.post("/repos", { body });
export const updatePrompt = (name: string, body: PromptAbout): Promise<unknown> =>
  v1.patch(at("repos", name), { body });
export const deletePrompt = (name: string): Promise<unknown> => v1.remove(at("repos", name));

export const commitPrompt = async (
  name: string,
  body: { parent_commit: string | null; manifest: unknown; description: string | null },
): Promise<Commit> => (await v1.post<{ commit: Commit }>(at("commits", name), { body })).commit;

/** Puts a tag on a commit; it leaves the one that had it. */
export const tagCommit = (name: string, tag: string, commitId: string): Promise<CommitTag> =>
  v1.post(`${at("repos", name)}/tags`, { body: { tag_name: tag, commit_id: commitId } });
export const deleteTag = (name: string, tag: string): Promise<unknown> =>
  v1.remove(`${at("repos", name)}/tags/${encodeURIComponent(tag)}`);

/** What was measured of the calls that name a prompt, or a commit of it. */
export interface Usage {
  /** Model calls. */
  calls: number;
  failed: number;
  /** Nano-dollars of all calls whose price is known. */
  cost: number | null;
  priced: number;
  p50Us: number | null;
  inputTokens: number | null;
  outputTokens: number | null;
}

/** How far back usage is counted. */
export const USAGE_DAYS = 30;

/** As SQL writes an instant. */
const daysAgo = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString();

/**
 * LangChain names the commit on the run of the prompt, whose model call is its sibling; whoever sets the metadata himself does so
 * on the model call or on the run around it.
 */
function usageStatement(by: string, where: string): string {
  const since = `timestamp '${daysAgo(USAGE_DAYS)}'`;
  return `
with named as (
  select project_id, trace_id, run_id, parent_run_id, run_type,
    metadata['lc_hub_repo'] as repo, metadata['lc_hub_commit_hash'] as hash
  from runs
  where start_time > ${since} and ${where}
), calls as (
  select distinct n.${by} as subject, r.project_id, r.trace_id, r.run_id,
    r.status, r.total_cost, r.latency_ms, r.input_tokens, r.output_tokens
  from named n join runs r on r.project_id = n.project_id and r.trace_id = n.trace_id and (
    r.run_id = n.run_id
    or (n.run_type = 'prompt' and r.parent_run_id = n.parent_run_id)
    or (n.run_type not in ('prompt', 'llm') and r.parent_run_id = n.run_id)
  )
  where r.start_time > ${since} and r.run_type = 'llm' and r.double_of is null
)
select subject, count(*) as calls, sum(case when status = 'error' then 1 else 0 end) as failed,
  sum(total_cost) as cost, count(total_cost) as priced, approx_percentile_cont(latency_ms, 0.5) as p50,
  avg(input_tokens) as tokens_in, avg(output_tokens) as tokens_out
from calls group by subject`;
}

const number = (value: unknown): number | null =>
  value === null || value === undefined || !Number.isFinite(Number(value)) ? null : Number(value);

async function askUsage(statement: string, signal?: AbortSignal): Promise<Map<string, Usage>> {
  const { rows } = await askSql(statement, signal);
  return new Map(
    rows.map(([subject, calls, failed, cost, priced, p50, tokensIn, tokensOut]) => {
      const [dollars, ms] = [number(cost), number(p50)];
      const usage: Usage = {
        calls: number(calls) ?? 0,
        failed: number(failed) ?? 0,
        cost: dollars === null ? null : dollars * 1e9,
        priced: number(priced) ?? 0,
        p50Us: ms === null ? null : ms * 1000,
        inputTokens: number(tokensIn),
        outputTokens: number(tokensOut),
      };
      return [String(subject), usage];
    }),
  );
}

const USAGE_STALE_MS = 60_000;

/** Of every prompt, by its name. */
export const usageOfPromptsQuery = () =>
  queryOptions({
    queryKey: ["prompt-usage"],
    queryFn: ({ signal }) => askUsage(usageStatement("repo", "metadata['lc_hub_repo'] is not null"), signal),
    staleTime: USAGE_STALE_MS,
    structuralSharing: false,
    retry: false,
  });

/** Of the commits of one prompt, by their hashes. */
export const usageOfCommitsQuery = (name: string) =>
  queryOptions({
    queryKey: ["prompt-usage", name],
    queryFn: ({ signal }) => {
      const where = `metadata['lc_hub_repo'] = '${name.replaceAll("'", "''")}' and metadata['lc_hub_commit_hash'] is not null`;
      return askUsage(usageStatement("hash", where), signal);
    },
    staleTime: USAGE_STALE_MS,
    structuralSharing: false,
    retry: false,
  });

/** Nano-dollars of one call, of those whose price is known. */
export const costPerCall = (usage: Usage | undefined): number | null =>
  usage && usage.cost !== null && usage.priced > 0 ? usage.cost / usage.priced : null;
