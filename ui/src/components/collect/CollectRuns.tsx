import { lazy, Suspense } from "react";

const AddToDataset = lazy(async () => ({ default: (await import("./AddToDataset")).AddToDataset }));
const AddToQueue = lazy(async () => ({ default: (await import("./AddToQueue")).AddToQueue }));

export type CollectWhere = "dataset" | "queue";

interface Props {
  where: CollectWhere;
  project: string;
  runIds: string[];
  onClose: () => void;
}

/** Puts runs into a dataset or into an annotation queue. */
export function CollectRuns({ where, ...rest }: Props) {
  return <Suspense>{where === "queue" ? <AddToQueue {...rest} /> : <AddToDataset {...rest} />}</Suspense>;
}
