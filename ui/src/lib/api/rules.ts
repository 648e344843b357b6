//! Mapping rules and the mapping of stored runs again. Written by hand until docs/openapi.json has them.

import { queryOptions } from "@tanstack/react-query";
import { get, post, put, remove } from "./client";

/** An attribute, or a pattern with one star, and the field of a run that it fills. */
export interface MappingRule {
  id: string;
  name: string;
  enabled: boolean;
  attribute: string;
  field: string;
  created_at: number;
  updated_at: number;
  position: number;
}

export interface RuleField {
  field: string;
  description: string;
}

export interface RuleList {
  /** The strongest first. */
  rules: MappingRule[];
  fields: RuleField[];
}

export type RuleBody = Pick<MappingRule, "name" | "attribute" | "field" | "enabled">;

export interface TrialQuery {
  rule: { name?: string; attribute: string; field: string };
  replaces: string | null;
  project: string;
  trace_id: string;
  run_id: string;
}

/** What a rule would do to a stored run. */
export interface Trial {
  matched: { attribute: string; value: unknown }[];
  changes: { field: string; before: unknown; after: unknown }[];
  issues: { kind: string; field: string; message: string }[];
}

/** Stored runs on their way through the rules of today. */
export interface RemapJob {
  id: string;
  state: "running" | "done" | "failed";
  project: string;
  since: number | null;
  started_at?: number;
  traces_total: number | null;
  traces_done: number;
  runs_seen: number;
  runs_changed: number;
  runs_skipped: number;
  error: string | null;
}

export const rulesQuery = () =>
  queryOptions({
    queryKey: ["rules"],
    queryFn: ({ signal }) => get<RuleList>("/mapping-rules", { signal }),
  });

export const createRule = (body: RuleBody): Promise<MappingRule> => post("/mapping-rules", { body });
export const updateRule = (id: string, body: RuleBody): Promise<MappingRule> => put(`/mapping-rules/${id}`, { body });
export const deleteRule = (id: string): Promise<void> => remove(`/mapping-rules/${id}`);
export const orderRules = (ids: string[]): Promise<RuleList> => put("/mapping-rules/order", { body: { ids } });

export const trialQuery = (body: TrialQuery) =>
  queryOptions({
    queryKey: ["rule-trial", body],
    queryFn: ({ signal }) => post<Trial>("/mapping-rules/test", { body, signal }),
    retry: false,
    gcTime: 0,
  });

const POLL_MS = 700;

/** Asked again and again only while something runs. */
export const remapsQuery = () =>
  queryOptions({
    queryKey: ["remaps"],
    queryFn: async ({ signal }) => (await get<{ jobs: RemapJob[] }>("/remap", { signal })).jobs,
    refetchInterval: (query) => (query.state.data?.some((job) => job.state === "running") ? POLL_MS : false),
  });

export const startRemap = async (project: string, since: string | null): Promise<RemapJob> =>
  (await post<{ job: RemapJob }>("/remap", { body: { project, since } })).job;
