//! One place for every endpoint: its path, its answer and its cache key.

import { queryOptions } from "@tanstack/react-query";
import { boot } from "../boot";
import { get, post } from "./client";
import type {
  Demo,
  Diagnostic,
  Facet,
  Histogram,
  Info,
  ListQuery,
  Previews,
  Project,
  Run,
  RunPage,
  Skeleton,
  Stats,
  TracePage,
  Verdict,
} from "./types";

const project = (name: string): string => `/projects/${encodeURIComponent(name)}`;

export const infoQuery = () =>
  queryOptions({
    queryKey: ["info"],
    queryFn: ({ signal }) => get<Info>("/info", { signal }),
    initialData: boot ?? undefined,
    staleTime: Infinity,
  });

export const projectsQuery = () =>
  queryOptions({
    queryKey: ["projects"],
    queryFn: async ({ signal }) => (await get<{ projects: Project[] }>("/projects", { signal })).projects,
    staleTime: 10_000,
  });

export const fetchTraces = (name: string, query: ListQuery, signal?: AbortSignal): Promise<TracePage> =>
  get(`${project(name)}/traces`, { query, signal });

export const fetchRuns = (name: string, query: ListQuery, signal?: AbortSignal): Promise<RunPage> =>
  get(`${project(name)}/runs`, { query, signal });

export const histogramQuery = (name: string, query: { q?: string; t?: string; buckets?: number }) =>
  queryOptions({
    queryKey: ["histogram", name, query],
    queryFn: ({ signal }) => get<Histogram>(`${project(name)}/traces/histogram`, { query, signal }),
  });

export const facetsQuery = (name: string, query: { q?: string; t?: string }) =>
  queryOptions({
    queryKey: ["facets", name, query],
    queryFn: async ({ signal }) =>
      (await get<{ facets: Facet[] }>(`${project(name)}/traces/facets`, { query, signal })).facets,
  });

export const statsQuery = (name: string, query: { q?: string; t?: string; of: "traces" | "runs" }) =>
  queryOptions({
    queryKey: ["stats", name, query],
    queryFn: ({ signal }) => get<Stats>(`${project(name)}/stats`, { query, signal }),
  });

export const skeletonQuery = (traceId: string, projectName?: string) =>
  queryOptions({
    queryKey: ["skeleton", traceId, projectName],
    queryFn: ({ signal }) => get<Skeleton>(`/traces/${traceId}`, { query: { project: projectName }, signal }),
    // Ten thousand rows: the version says whether anything changed, no field has to be compared.
    structuralSharing: (old, next) =>
      (old as Skeleton | undefined)?.version === (next as Skeleton).version ? (old as Skeleton) : (next as Skeleton),
  });

export const verdictQuery = (traceId: string, projectName: string, version: string) =>
  queryOptions({
    queryKey: ["verdict", traceId, projectName, version],
    queryFn: ({ signal }) => get<Verdict>(`/traces/${traceId}/verdict`, { query: { project: projectName }, signal }),
    staleTime: Infinity,
  });

export const runQuery = (traceId: string, runId: string, projectName: string, version: string) =>
  queryOptions({
    queryKey: ["run", traceId, runId, projectName, version],
    queryFn: ({ signal }) => get<Run>(`/traces/${traceId}/runs/${runId}`, { query: { project: projectName }, signal }),
    structuralSharing: false,
    staleTime: Infinity,
    gcTime: 120_000,
  });

export const fetchPreviews = async (
  traceId: string,
  projectName: string,
  runIds: string[],
  signal?: AbortSignal,
): Promise<Previews> =>
  (
    await post<{ previews: Previews }>(`/traces/${traceId}/previews`, {
      query: { project: projectName },
      body: { run_ids: runIds },
      signal,
    })
  ).previews;

export const traceSearchQuery = (traceId: string, projectName: string, text: string, version: string) =>
  queryOptions({
    queryKey: ["trace-search", traceId, projectName, text, version],
    queryFn: async ({ signal }) =>
      (await get<{ run_ids: string[] }>(`/traces/${traceId}/search`, { query: { project: projectName, text }, signal }))
        .run_ids,
    staleTime: Infinity,
  });

export const sendDemo = (projectName?: string): Promise<Demo> => post("/demo", { body: { project: projectName } });

export const diagnosticsQuery = () =>
  queryOptions({
    queryKey: ["diagnostics"],
    queryFn: async ({ signal }) => (await get<{ events: Diagnostic[] }>("/ingest/diagnostics", { signal })).events,
  });
