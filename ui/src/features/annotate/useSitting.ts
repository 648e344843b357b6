//! Items of a queue, loaded as one gets on, and what is done with them. Saving never keeps anybody waiting: it goes on
//! behind, and what failed comes back.

import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { fetchItems, type QueueItem, setItemStatus, skipItem } from "@/lib/api/annotation";
import { messageOf } from "@/lib/api/client";
import { createFeedback, deleteFeedback, refreshFeedback } from "@/lib/api/feedback";
import { randomUuid } from "@/lib/uuid";
import { type Answers, append, feedbackOf, type Mark, type Marks, nextOpen, offsetOf } from "./sitting";

/** With fewer than these ahead the next are fetched. */
const AHEAD = 5;

/** Something that can be taken back. */
interface Saved {
  item: QueueItem;
  feedback: string[];
  work: Promise<void>;
}

export interface Sitting {
  items: QueueItem[];
  marks: Marks;
  /** −1 when everything is done. */
  at: number;
  loading: boolean;
  error: unknown;
  /** Why the last save or undo did not work. */
  problem: string | null;
  doneHere: number;
  answers: Answers;
  canUndo: boolean;
  setAnswers: (answers: Answers) => void;
  go: (index: number) => void;
  save: () => void;
  skip: () => void;
  undo: () => void;
  retry: () => void;
}

export function useSitting(queueId: string, firstRun: string | undefined): Sitting {
  const client = useQueryClient();
  const [items, setItems] = useState<QueueItem[]>([]);
  const [marks, setMarks] = useState<Marks>(new Map());
  const [at, setAt] = useState(0);
  const [answers, setAnswers] = useState<ReadonlyMap<string, Answers>>(new Map());
  const [state, setState] = useState<{ loading: boolean; ended: boolean; error: unknown }>({
    loading: true,
    ended: false,
    error: null,
  });
  const [problem, setProblem] = useState<string | null>(null);
  const [saved, setSaved] = useState<Saved[]>([]);
  const now = useRef({ items, marks });
  useEffect(() => {
    now.current = { items, marks };
  });

  const load = useCallback(
    async (signal: AbortSignal) => {
      setState((old) => ({ ...old, loading: true, error: null }));
      try {
        const page = await fetchItems(queueId, offsetOf(now.current.items, now.current.marks), signal);
        const next = append(now.current.items, page);
        const ended = next === now.current.items;
        setItems(next);
        setState({ loading: false, ended, error: null });
      } catch (error) {
        if (!signal.aborted) setState({ loading: false, ended: false, error });
      }
    },
    [queueId],
  );
  const fresh = items.filter((one) => !marks.has(one.queue_run_id)).length;
  const wanted = !state.ended && state.error === null && (fresh <= AHEAD || items.length - at <= AHEAD);
  useEffect(() => {
    if (!wanted) return;
    const stop = new AbortController();
    void load(stop.signal);
    return () => stop.abort();
  }, [wanted, load, items.length]);

  // A link to an item opens at it.
  const opened = useRef(false);
  useEffect(() => {
    if (opened.current || items.length === 0) return;
    opened.current = true;
    const found = items.findIndex((item) => item.id === firstRun);
    if (found > 0) setAt(found);
  }, [items, firstRun]);

  // Everything that was here is done, and more came.
  useEffect(() => {
    if (at >= 0) return;
    const next = nextOpen(items, marks, -1);
    if (next >= 0) setAt(next);
  }, [at, items, marks]);

  const mark = (id: string, as: Mark | null) =>
    setMarks((old) => {
      const next = new Map(old);
      if (as === null) next.delete(id);
      else next.set(id, as);
      return next;
    });
  const item: QueueItem | undefined = items[at];
  /** On to what is open when `done` is no longer. */
  const leave = (done: QueueItem, as: Mark) => {
    const next = new Map(marks).set(done.queue_run_id, as);
    setMarks(next);
    setAt(nextOpen(items, next, at));
  };
  const save = () => {
    if (!item) return;
    setProblem(null);
    const bodies = feedbackOf(item, answers.get(item.queue_run_id) ?? {}, randomUuid);
    const work = (async () => {
      await Promise.all(bodies.map(createFeedback));
      await setItemStatus(item.queue_run_id, "completed");
      await refreshFeedback(client);
    })().catch((error: unknown) => {
      mark(item.queue_run_id, "failed");
      setSaved((old) => old.filter((one) => one.item !== item));
      setProblem(`${item.name} was not saved: ${messageOf(error)}`);
    });
    setSaved((old) => [...old, { item, feedback: bodies.map((body) => body.id ?? ""), work }]);
    leave(item, "done");
  };
  const skip = () => {
    if (!item) return;
    leave(item, "skipped");
    void skipItem(item.queue_run_id).catch((error: unknown) => setProblem(messageOf(error)));
  };
  const undo = () => {
    const last = saved.at(-1);
    if (!last) return;
    setSaved(saved.slice(0, -1));
    mark(last.item.queue_run_id, null);
    setAt(items.indexOf(last.item));
    void (async () => {
      // What is still on its way has to be there before it can be taken back.
      await last.work;
      await Promise.all(last.feedback.map(deleteFeedback));
      await setItemStatus(last.item.queue_run_id, null);
      await refreshFeedback(client);
    })().catch((error: unknown) => setProblem(`It could not be taken back: ${messageOf(error)}`));
  };
  return {
    items,
    marks,
    at: item ? at : -1,
    loading: state.loading || (at < 0 && !state.ended && state.error === null),
    error: state.error,
    problem,
    doneHere: [...marks.values()].filter((one) => one === "done").length,
    answers: (item && answers.get(item.queue_run_id)) ?? {},
    canUndo: saved.length > 0,
    setAnswers: (next) => item && setAnswers(new Map(answers).set(item.queue_run_id, next)),
    go: (index) => setAt(Math.max(0, Math.min(items.length - 1, index))),
    save,
    skip,
    undo,
    retry: () => setState((old) => ({ ...old, error: null })),
  };
}
