//! Datasets, their examples and versions. Examples are kept as they were at every change.

import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { download } from "./client";
import { v1 } from "./langsmith";

export type DataType = "kv" | "llm" | "chat";

export interface Dataset {
  id: string;
  name: string;
  description: string | null;
  data_type: DataType;
  created_at: string;
  modified_at: string;
  example_count: number;
  /** Experiments on it. */
  session_count: number;
  last_session_start_time: string | null;
  inputs_schema_definition: unknown;
  outputs_schema_definition: unknown;
}

export interface ExampleFile {
  presigned_url: string;
  mime_type: string;
  size_bytes: number;
}

export interface Example {
  id: string;
  dataset_id: string;
  created_at: string;
  modified_at: string;
  name: string;
  inputs: Record<string, unknown>;
  outputs: Record<string, unknown> | null;
  metadata: Record<string, unknown> | null;
  source_run_id: string | null;
  /** By `attachment.{name}`. */
  attachment_urls?: Record<string, ExampleFile> | null;
}

export interface Version {
  as_of: string;
  tags: string[];
}

export interface VersionDiff {
  examples_modified: string[];
  examples_added: string[];
  examples_removed: string[];
}

/** What can be said about an example. Missing members stay as they are. */
export interface ExampleChange {
  inputs?: unknown;
  outputs?: unknown;
  metadata?: unknown;
  split?: string[];
}

export const PAGE = 100;
const KEY = "datasets";
/** Everything that a change of a dataset makes old. */
export const datasetKey = (id?: string): string[] => (id === undefined ? [KEY] : [KEY, id]);

const at = (id: string): string => `/datasets/${encodeURIComponent(id)}`;

/** The next offset of a list that ends with a page that is not full. */
export const nextOffset = (last: unknown[], pages: unknown[][]): number | undefined =>
  last.length < PAGE ? undefined : pages.length * PAGE;

export const datasetsQuery = (search?: string) =>
  infiniteQueryOptions({
    queryKey: [KEY, "list", search],
    queryFn: ({ signal, pageParam }) =>
      v1.get<Dataset[]>("/datasets", { query: { name_contains: search, limit: PAGE, offset: pageParam }, signal }),
    initialPageParam: 0,
    getNextPageParam: nextOffset,
  });

/** More are not offered to choose from. */
const MAX_CHOICES = 10 * PAGE;

/** All datasets, to choose one from. */
export const datasetChoicesQuery = () =>
  queryOptions({
    queryKey: [KEY, "choices"],
    queryFn: async ({ signal }) => {
      const found: Dataset[] = [];
      let page: Dataset[];
      do {
        page = await v1.get<Dataset[]>("/datasets", { query: { limit: PAGE, offset: found.length }, signal });
        found.push(...page);
      } while (page.length === PAGE && found.length < MAX_CHOICES);
      return found;
    },
  });

export const datasetQuery = (id: string) =>
  queryOptions({ queryKey: [KEY, id, "head"], queryFn: ({ signal }) => v1.get<Dataset>(at(id), { signal }) });

export const createDataset = (body: { name: string; description?: string; data_type: DataType }): Promise<Dataset> =>
  v1.post("/datasets", { body });

export const updateDataset = (id: string, body: { name?: string; description?: string }): Promise<Dataset> =>
  v1.patch(at(id), { body });

export const deleteDataset = (id: string): Promise<unknown> => v1.remove(at(id));

export type Role = "input" | "output" | "metadata" | "none";

/** A new dataset from a CSV or JSON lines file. Without `columns` each line has `inputs` and `outputs`. */
export function uploadDataset(
  file: File,
  about: { name: string; description?: string; data_type: DataType },
  columns: [name: string, role: Role][] = [],
): Promise<Dataset> {
  const form = new FormData();
  for (const [key, value] of Object.entries(about)) if (value) form.append(key, value);
  for (const [name, role] of columns) if (role !== "none") form.append(`${role}_keys`, name);
  form.append("file", file, file.name);
  return v1.post("/datasets/upload", { body: form });
}

export interface ExampleList {
  asOf?: string;
  split?: string;
}

const listed = (id: string, { asOf, split }: ExampleList) => ({ dataset: id, as_of: asOf, splits: split });

export const examplesQuery = (id: string, list: ExampleList, page: number) =>
  queryOptions({
    queryKey: [KEY, id, "examples", list, page],
    queryFn: ({ signal }) =>
      v1.get<Example[]>("/examples", {
        query: { ...listed(id, list), select: "attachment_urls", limit: PAGE, offset: page * PAGE },
        signal,
      }),
  });

export const exampleCountQuery = (id: string, list: ExampleList) =>
  queryOptions({
    queryKey: [KEY, id, "count", list],
    queryFn: ({ signal }) => v1.get<number>("/examples/count", { query: listed(id, list), signal }),
  });

export const exampleQuery = (dataset: string, id: string, asOf?: string) =>
  queryOptions({
    queryKey: [KEY, dataset, "example", id, asOf],
    queryFn: ({ signal }) => v1.get<Example>(`/examples/${id}`, { query: { as_of: asOf }, signal }),
  });

/** Some examples as they were at a version, by id. */
export const examplesAtQuery = (dataset: string, ids: string[], asOf: string) =>
  queryOptions({
    queryKey: [KEY, dataset, "at", asOf, ids],
    queryFn: async ({ signal }) => {
      const query = { dataset, id: ids, as_of: asOf, limit: PAGE };
      const found = await v1.get<Example[]>("/examples", { query, signal });
      return new Map(found.map((example) => [example.id, example]));
    },
    enabled: ids.length > 0,
  });

export const createExample = (dataset: string, body: ExampleChange): Promise<Example> =>
  v1.post("/examples", { body: { ...body, dataset_id: dataset } });

/** Puts a run's input and output into a dataset; the example remembers where it comes from. */
export const createExamplesOf = (dataset: string, runs: string[]): Promise<unknown> =>
  v1.post("/examples/bulk", {
    body: runs.map((run) => ({ dataset_id: dataset, source_run_id: run, use_source_run_io: true })),
  });

export const updateExample = (id: string, body: ExampleChange): Promise<Example> =>
  v1.patch(`/examples/${id}`, { body });

export const deleteExamples = (ids: string[]): Promise<unknown> =>
  v1.remove("/examples", { query: { example_ids: ids } });

export const splitsQuery = (id: string, asOf?: string) =>
  queryOptions({
    queryKey: [KEY, id, "splits", asOf],
    queryFn: ({ signal }) => v1.get<string[]>(`${at(id)}/splits`, { query: { as_of: asOf }, signal }),
  });

/** Puts examples into a split, or takes them out of it. */
export const setSplit = (id: string, split: string, examples: string[], remove: boolean): Promise<string[]> =>
  v1.put(`${at(id)}/splits`, { body: { split_name: split, examples, remove } });

export const versionsQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: [KEY, id, "versions"],
    queryFn: ({ signal, pageParam }) =>
      v1.get<Version[]>(`${at(id)}/versions`, { query: { limit: PAGE, offset: pageParam }, signal }),
    initialPageParam: 0,
    getNextPageParam: nextOffset,
  });

export const versionDiffQuery = (id: string, from: string, to: string) =>
  queryOptions({
    queryKey: [KEY, id, "diff", from, to],
    queryFn: ({ signal }) =>
      v1.get<VersionDiff>(`${at(id)}/versions/diff`, { query: { from_version: from, to_version: to }, signal }),
  });

export const tagVersion = (id: string, asOf: string, tag: string): Promise<Version> =>
  v1.put(`${at(id)}/tags`, { body: { as_of: asOf, tag } });

export type ExportFormat = "jsonl" | "csv" | "openai";

export const exportDataset = (id: string, format: ExportFormat, asOf?: string): Promise<Blob> =>
  download(`${at(id)}/${format}`, { query: { as_of: asOf } }, "GET", "api/v1");

/** The splits of an example are a part of its metadata. */
export function splitsOf(example: Pick<Example, "metadata">): string[] {
  const splits = example.metadata?.dataset_split;
  return Array.isArray(splits) ? splits.map(String) : typeof splits === "string" ? [splits] : [];
}

/** Metadata without what is shown elsewhere. */
export function ownMetadata(example: Pick<Example, "metadata">): Record<string, unknown> {
  const { dataset_split: _, ...rest } = example.metadata ?? {};
  return rest;
}
