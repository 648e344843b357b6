import { useQuery, useQueryClient } from "@tanstack/react-query";
import { addExample, createDataset, datasetChoicesQuery } from "@/lib/api/examples";
import { plural } from "@/lib/format";
import { Collect } from "./Collect";

interface Props {
  project: string;
  runIds: string[];
  onClose: () => void;
}

/** Makes examples of a dataset out of runs: their inputs and outputs. */
export function AddToDataset({ runIds, onClose }: Props) {
  const client = useQueryClient();
  const datasets = useQuery(datasetChoicesQuery());
  return (
    <Collect
      title={runIds.length === 1 ? "Add to a dataset" : `Add ${plural(runIds.length, "run")} to a dataset`}
      what={runIds.length === 1 ? "The run’s input and output" : plural(runIds.length, "run")}
      noun="dataset"
      places={datasets.data?.map(({ id, name, example_count: count }) => ({
        id,
        name,
        note: count === null ? undefined : plural(count, "example"),
      }))}
      error={datasets.error}
      onPut={async (place) => {
        for (const runId of runIds) await addExample(place.id, runId);
      }}
      onCreate={createDataset}
      renderPlace={(place) => <b>{place.name}</b>}
      onClose={() => {
        void client.invalidateQueries({ queryKey: ["datasets"] });
        onClose();
      }}
    />
  );
}
