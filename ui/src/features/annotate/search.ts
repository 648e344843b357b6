import { textParam } from "@/lib/url";

/** What the address of the list of queues holds. */
export interface AnnotateSearch {
  /** Id of the queue that is being edited, or `new`. */
  edit?: string;
}

export const NEW = "new";

export const validateAnnotateSearch = (search: Record<string, unknown>): AnnotateSearch => ({
  edit: textParam(search.edit),
});

/** What the address of a queue holds. */
export interface QueueSearch {
  /** Run id of the item that is shown; the first that waits otherwise. */
  run?: string;
}

export const validateQueueSearch = (search: Record<string, unknown>): QueueSearch => ({ run: textParam(search.run) });
