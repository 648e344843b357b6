import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Check, ChevronLeft, ChevronRight, SquarePen, Undo2 } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { queueQuery, sizesQuery, type Queue } from "@/lib/api/annotation";
import { isAbsent } from "@/lib/api/client";
import { feedbackConfigsQuery } from "@/lib/api/feedback";
import { useCommands } from "@/lib/commands";
import { formatInt, plural } from "@/lib/format";
import { useTitle } from "@/lib/title";
import { Button, IconButton } from "@/components/Button";
import { ErrorBoundary } from "@/components/ErrorBoundary";
import { Keys } from "@/components/Keys";
import { EmptyState, ErrorState } from "@/components/Notice";
import { Page, PageBar } from "@/components/PageBar";
import { itemRunQuery, ItemView } from "./ItemView";
import styles from "./QueuePage.module.css";
import { Rubric } from "./Rubric";
import { missingIn, NO_ANSWER, questionsOf } from "./sitting";
import { type Sitting, useSitting } from "./useSitting";

const route = getRouteApi("/p/$project/annotate/$queueId");
/** Runs that are fetched before they are wanted. */
const PREFETCHED = 2;
const LABEL_KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];

export function QueuePage() {
  const { project, queueId } = route.useParams();
  const query = useQuery(queueQuery(queueId));
  useTitle(query.data?.name ?? "Annotation queue");
  if (query.data) return <Sit key={queueId} project={project} queue={query.data} />;
  return (
    <Page busy={query.isPending}>
      <PageBar project={project} parents={[<Parent key="queues" project={project} />]} current={queueId.slice(0, 8)} />
      {query.isPending ? null : isAbsent(query.error) ? (
        <EmptyState title="This queue is not here">
          <p>No annotation queue has the id {queueId}. It may have been deleted.</p>
          <p>
            <Link to="/p/$project/annotate" params={{ project }}>
              Show all queues
            </Link>
          </p>
        </EmptyState>
      ) : (
        <ErrorState title="The queue could not be loaded" error={query.error} onRetry={() => void query.refetch()} />
      )}
    </Page>
  );
}

const Parent = ({ project }: { project: string }) => (
  <Link to="/p/$project/annotate" params={{ project }} activeOptions={{ exact: true }}>
    Annotate
  </Link>
);

function Sit({ project, queue }: { project: string; queue: Queue }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const sitting = useSitting(queue.id, search.run);
  const configs = useQuery(feedbackConfigsQuery());
  const questions = useMemo(() => questionsOf(queue, configs.data ?? []), [queue, configs.data]);
  const [current, setCurrent] = useState(0);
  const [writing, setWriting] = useState<string | null>(null);
  const [told, setTold] = useState<string | null>(null);
  const { items, at, answers } = sitting;
  const item = items[at];
  const itemId = item?.queue_run_id;
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    setCurrent(0);
    setWriting(null);
    setTold(null);
    if (box.current) box.current.scrollTop = 0;
  }, [itemId]);
  const runId = item?.id;
  useEffect(() => {
    // The address names the item, so that it can be shown to somebody else.
    if (runId) void navigate({ search: { run: runId }, replace: true });
  }, [runId, navigate]);
  const client = useQueryClient();
  useEffect(() => {
    for (const next of items.slice(at + 1, at + 1 + PREFETCHED)) void client.prefetchQuery(itemRunQuery(next));
  }, [client, items, at]);

  const question = questions[Math.min(current, questions.length - 1)];
  const pick = (index: number) => {
    const label = question?.labels[index];
    if (!item || !label) return;
    const old = answers[question.key] ?? NO_ANSWER;
    sitting.setAnswers({ ...answers, [question.key]: { ...old, label } });
    setTold(null);
    if (current < questions.length - 1) setCurrent(current + 1);
  };
  const save = () => {
    if (!item) return;
    const missing = missingIn(questions, answers);
    setTold(missing);
    if (missing === null) sitting.save();
    else
      setCurrent(
        Math.max(
          0,
          questions.findIndex((one) => missing.includes(one.key)),
        ),
      );
  };
  const group = "Annotate";
  const move = { group, keysOnly: true };
  useCommands([
    ...LABEL_KEYS.map((key, index) => ({
      ...move,
      id: `label-${key}`,
      title: index === 0 ? "Set the label with this number" : `Label ${key}`,
      keys: [key],
      run: () => pick(index),
    })),
    { ...move, id: "next-item", title: "Next item", keys: ["ArrowRight"], run: () => sitting.go(at + 1) },
    { ...move, id: "previous-item", title: "Previous item", keys: ["ArrowLeft"], run: () => sitting.go(at - 1) },
    {
      ...move,
      id: "next-question",
      title: "Next question of the rubric",
      keys: ["ArrowDown", "j"],
      run: () => setCurrent(Math.min(questions.length - 1, current + 1)),
    },
    {
      ...move,
      id: "previous-question",
      title: "Previous question of the rubric",
      keys: ["ArrowUp", "k"],
      run: () => setCurrent(Math.max(0, current - 1)),
    },
    { id: "comment", title: "Write a comment", group, keys: ["c"], run: () => setWriting(question?.key ?? null) },
    { id: "save", title: "Save and go on", group, keys: ["Enter"], run: save },
    { id: "skip", title: "Skip, to the end of the queue", group, keys: ["s"], run: sitting.skip },
    { id: "undo", title: "Take the last save back", group, keys: ["u"], run: sitting.undo },
  ]);
  return (
    <Page busy={sitting.loading && items.length === 0}>
      <PageBar
        project={project}
        parents={[<Parent key="queues" project={project} />]}
        current={queue.name}
        actions={
          <>
            {item ? (
              <>
                <IconButton label="Previous item" keyHint="←" disabled={at === 0} onClick={() => sitting.go(at - 1)}>
                  <ChevronLeft size={15} aria-hidden />
                </IconButton>
                <IconButton
                  label="Next item"
                  keyHint="→"
                  disabled={at === items.length - 1}
                  onClick={() => sitting.go(at + 1)}
                >
                  <ChevronRight size={15} aria-hidden />
                </IconButton>
              </>
            ) : null}
            <Button
              icon={<Undo2 size={13} aria-hidden />}
              disabled={!sitting.canUndo}
              title="Take the last save back  U"
              aria-label="Undo"
              onClick={sitting.undo}
            >
              <span className={styles.roomy}>Undo</span>
            </Button>
            <Button
              icon={<SquarePen size={13} aria-hidden />}
              aria-label="Edit rubric"
              onClick={() =>
                void navigate({ to: "/p/$project/annotate", params: { project }, search: { edit: queue.id } })
              }
            >
              <span className={styles.roomy}>Edit rubric</span>
            </Button>
          </>
        }
      >
        <Progress queueId={queue.id} doneHere={sitting.doneHere} />
      </PageBar>
      {sitting.problem ? (
        <p className={styles.problem} role="alert">
          {sitting.problem}
        </p>
      ) : null}
      {item ? (
        <div className={styles.body}>
          {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a region that scrolls has to be reachable */}
          <div ref={box} className={styles.item} role="region" aria-label="Item" tabIndex={0}>
            <ErrorBoundary title="The item could not be shown" resetKey={itemId}>
              <ItemView key={itemId} project={project} item={item} configs={configs.data ?? []} />
            </ErrorBoundary>
          </div>
          <aside className={styles.side} aria-label="Rubric">
            <Rubric
              key={itemId}
              instructions={queue.rubric_instructions}
              questions={questions}
              answers={answers}
              onAnswer={sitting.setAnswers}
              current={current}
              onCurrent={setCurrent}
              writing={writing}
              onWriting={setWriting}
              onSave={save}
            />
            <Foot told={told} sitting={sitting} onSave={save} />
          </aside>
        </div>
      ) : sitting.error ? (
        <ErrorState title="The items could not be loaded" error={sitting.error} onRetry={sitting.retry} />
      ) : sitting.loading ? null : (
        <Done project={project} done={sitting.doneHere} />
      )}
    </Page>
  );
}

function Foot({ told, sitting, onSave }: { told: string | null; sitting: Sitting; onSave: () => void }) {
  const mark = sitting.marks.get(sitting.items[sitting.at].queue_run_id);
  return (
    <footer className={styles.foot}>
      {told ? <p role="alert">{told}</p> : mark === "done" ? <p className={styles.was}>Saved already</p> : null}
      <span className="grow" />
      <Button onClick={sitting.skip} title="To the end of the queue">
        Skip <Keys name="s" />
      </Button>
      <Button look="primary" onClick={onSave}>
        Save and next <span className={styles.key}>↵</span>
      </Button>
    </footer>
  );
}

/** How far the queue is; what is done here counts at once. */
function Progress({ queueId, doneHere }: { queueId: string; doneHere: number }) {
  // What was there when one sat down, under a name of its own: the list of queues may know older figures.
  const { data: sizes } = useQuery({
    ...sizesQuery(queueId),
    queryKey: ["queue-sizes", queueId, "sitting"],
    staleTime: Infinity,
    gcTime: 0,
  });
  if (!sizes) return null;
  const total = sizes.waiting + sizes.done;
  const done = Math.min(total, sizes.done + doneHere);
  return (
    <span className={styles.progress}>
      <progress max={Math.max(1, total)} value={done} aria-label="Done of this queue" />
      {formatInt(done)} of {formatInt(total)} done
    </span>
  );
}

function Done({ project, done }: { project: string; done: number }) {
  return (
    <EmptyState
      icon={<Check size={24} aria-hidden />}
      title={done > 0 ? "The queue is done" : "Nothing waits in this queue"}
      actions={
        <Link to="/p/$project/annotate" params={{ project }} className={styles.back}>
          All queues
        </Link>
      }
    >
      <p>
        {done > 0
          ? `You saved ${plural(done, "item")}. The feedback is on their runs. `
          : "Add runs to it from a trace, a thread or the list of traces. "}
        What is added from now on waits here.
      </p>
    </EmptyState>
  );
}
