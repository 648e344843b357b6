import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { createDataset, createExamplesOf, datasetChoicesQuery, datasetKey } from "@/lib/api/datasets";
import { plural } from "@/lib/format";
import { Collect } from "./Collect";

interface Props {
  project: string;
  runIds: string[];
  onClose: () => void;
}

/** Makes examples of a dataset out of runs: their inputs and outputs. */
export function AddToDataset({ project, runIds, onClose }: Props) {
  const client = useQueryClient();
  const datasets = useQuery(datasetChoicesQuery());
  return (
    <Collect
      title={runIds.length === 1 ? "Add to a dataset" : `Add ${plural(runIds.length, "run")} to a dataset`}
      what={runIds.length === 1 ? "The run’s input and output" : plural(runIds.length, "run")}
      many={runIds.length > 1}
      noun="dataset"
      places={datasets.data?.map(({ id, name, example_count: count }) => ({
        id,
        name,
        note: plural(count, "example"),
      }))}
      error={datasets.error}
      onPut={(place) => createExamplesOf(place.id, runIds)}
      onCreate={(name) => createDataset({ name, data_type: "kv" })}
      renderPlace={(place) => (
        <Link to="/p/$project/datasets/$datasetId" params={{ project, datasetId: place.id }}>
          {place.name}
        </Link>
      )}
      onClose={() => {
        void client.invalidateQueries({ queryKey: datasetKey() });
        onClose();
      }}
    />
  );
}
