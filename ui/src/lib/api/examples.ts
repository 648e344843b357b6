//! What pages outside the datasets need of them: a list to choose from, and a place to put a run.

import { queryOptions } from "@tanstack/react-query";
import { v1 } from "./langsmith";

export interface DatasetChoice {
  id: string;
  name: string;
  example_count: number | null;
}

export const datasetChoicesQuery = () =>
  queryOptions({
    queryKey: ["datasets", "choices"],
    queryFn: ({ signal }) => v1.get<DatasetChoice[]>("/datasets", { query: { limit: 100 }, signal }),
  });

export const createDataset = (name: string): Promise<DatasetChoice> => v1.post("/datasets", { body: { name } });

/** Puts a run's input and output into a dataset; the example remembers where it comes from. */
export const addExample = (datasetId: string, runId: string): Promise<unknown> =>
  v1.post("/examples", { body: { dataset_id: datasetId, source_run_id: runId, use_source_run_io: true } });
