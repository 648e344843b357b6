//! What was said of runs, as our own REST tells it.

/** What somebody said of a run. */
export interface Feedback {
  id: string;
  key: string;
  score: number | boolean | null;
  value: unknown;
  comment: string | null;
  correction: unknown;
  /** `api`, `app`, `model`, … */
  source: string | null;
  source_details: unknown;
  /** The run of the evaluator that judged. */
  evaluator_run_id: string | null;
  /** The evaluator failed to judge; the comment says why. */
  error: boolean;
  created_at: number;
  modified_at: number;
}

/** The feedback with one key, summed up. */
export interface FeedbackFigures {
  key: string;
  count: number;
  /** The mean of the scores, where good is 1 and bad 0. */
  average: number | null;
  min: number | null;
  max: number | null;
  /** How often each value was given; the five most frequent ones. */
  values: Record<string, number>;
  /** How often an evaluator failed to judge. */
  errors: number;
}

/** The feedback with one key on one run of a trace. */
export interface FeedbackMark {
  row: number;
  /** Position in `dict`. */
  key: number;
  count: number;
  average: number | null;
}
