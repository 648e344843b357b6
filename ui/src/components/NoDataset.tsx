import { Link } from "@tanstack/react-router";
import { EmptyState } from "./Notice";

/** In place of what shows a dataset that does not exist. */
export const NoDataset = ({ project, datasetId }: { project: string; datasetId: string }) => (
  <EmptyState title="This dataset is not here">
    <p>No dataset has the id {datasetId}. It may have been deleted.</p>
    <p>
      <Link to="/p/$project/datasets" params={{ project }}>
        Show all datasets
      </Link>
    </p>
  </EmptyState>
);
