//! LangSmith's own routes, which are the API of datasets, experiments, annotation queues, prompts and sharing here, too.

import { clientOf } from "./client";

/** Routes below `/api/v1`. */
export const v1 = clientOf("api/v1");
/** Routes below `/api/v2`. */
export const v2 = clientOf("api/v2");
