import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Copy, TriangleAlert, Wrench } from "lucide-react";
import { useEffect, useMemo, useRef } from "react";
import { useTraceEvents } from "@/lib/api/events";
import { type Feedback, feedbackConfigsQuery, feedbackQuery } from "@/lib/api/feedback";
import { projectsQuery } from "@/lib/api/queries";
import { fetchNewestTurn, MAX_TURNS, turnsQuery } from "@/lib/api/threads";
import type { TraceRow } from "@/lib/api/types";
import { useCommands } from "@/lib/commands";
import { formatCost, formatDateTime, formatInt, formatTokens, plural } from "@/lib/format";
import { useTitle } from "@/lib/title";
import { useThrottled } from "@/lib/use-throttled";
import { shownValue } from "@/lib/visible-text";
import { Bones } from "@/components/Bones";
import { AddToQueueButton } from "@/components/collect/AddToQueueButton";
import { Button } from "@/components/Button";
import { CopyButton } from "@/components/CopyButton";
import { EmptyState, ErrorState } from "@/components/Notice";
import { Page, PageBar } from "@/components/PageBar";
import { ShareButton } from "@/components/ShareButton";
import { Pill } from "@/components/Tag";
import { ContextChart } from "./ContextChart";
import { totalsOf } from "./measures";
import type { ThreadSearch } from "./search";
import styles from "./ThreadPage.module.css";
import { Transcript } from "./Transcript";
import { TurnRail } from "./TurnRail";
import { useMarkdown } from "./useMarkdown";

const route = getRouteApi("/p/$project/threads/$threadId");
/** No more often than this is the thread asked for again while traces arrive. */
const REFRESH_MS = 3_000;
const TRANSCRIPT_ID = "transcript";

export function ThreadPage() {
  const { project, threadId } = route.useParams();
  const client = useQueryClient();
  const query = useQuery(turnsQuery(project, threadId));
  const turns = query.data?.turns;
  const isKnown = (id: string) => turns?.some((turn) => turn.trace_id === id) === true;
  const refresh = useThrottled(
    () => void client.invalidateQueries({ queryKey: ["turns", project, threadId] }),
    REFRESH_MS,
  );
  // Traces of other threads arrive all the time; whether there is a new turn is a small question.
  const look = useThrottled(
    () =>
      void fetchNewestTurn(project, threadId).then(
        (id) => id !== null && !isKnown(id) && refresh(),
        () => {},
      ),
    REFRESH_MS,
  );
  useTraceEvents(project, (ids) => (ids.some(isKnown) ? refresh() : look()), refresh);
  useTitle(`Thread ${shownValue(threadId)}`);
  if (turns && turns.length > 0)
    return (
      <Page>
        <Thread key={threadId} project={project} threadId={threadId} turns={turns} cut={query.data?.cut ?? false} />
      </Page>
    );
  return (
    <Page busy={query.isPending}>
      <PageBar
        project={project}
        parents={[<Parent key="threads" project={project} />]}
        current={shownValue(threadId)}
      />
      {query.isPending ? (
        <Bones count={3} height={96} className={styles.bones} />
      ) : query.isError ? (
        <ErrorState title="The thread could not be loaded" error={query.error} onRetry={() => void query.refetch()} />
      ) : (
        <EmptyState title="This thread is not here">
          <p>
            No trace of {project} belongs to a thread {shownValue(threadId)}. Its traces may have been deleted, or the
            first is still on the way: the page shows it as soon as it arrives.
          </p>
          <p>
            <Link to="/p/$project/threads" params={{ project }}>
              Show the threads of {project}
            </Link>
          </p>
        </EmptyState>
      )}
    </Page>
  );
}

const Parent = ({ project }: { project: string }) => (
  <Link to="/p/$project/threads" params={{ project }} activeOptions={{ exact: true }}>
    Threads
  </Link>
);

const NO_FEEDBACK: Feedback[] = [];

interface ThreadProps {
  project: string;
  threadId: string;
  turns: TraceRow[];
  cut: boolean;
}

function Thread({ project, threadId, turns, cut }: ThreadProps) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const ids = useMemo(() => turns.map((turn) => turn.root_run_id), [turns]);
  const feedback = useQuery({ ...feedbackQuery(ids), placeholderData: (old) => old }).data ?? NO_FEEDBACK;
  const configs = useQuery(feedbackConfigsQuery()).data ?? [];
  const markdown = useMarkdown(project, threadId, turns);
  const projectId = useQuery(projectsQuery()).data?.find((one) => one.name === project)?.id;
  const found = search.turn === undefined ? -1 : turns.findIndex((turn) => turn.trace_id === search.turn);
  const selected = found >= 0 ? found : turns.length - 1;
  const turn = turns[selected];
  const latest = useRef({ navigate, turns });
  useEffect(() => {
    latest.current = { navigate, turns };
  });
  // One function for the life of the page: hundreds of turns hold it.
  const select = useMemo(
    () => (index: number) => {
      const { navigate: go, turns: all } = latest.current;
      const next = all[Math.max(0, Math.min(all.length - 1, index))];
      void go({ search: (old: ThreadSearch) => ({ ...old, turn: next.trace_id }), replace: true });
    },
    [],
  );
  const flipTools = () =>
    void navigate({ search: (old) => ({ ...old, tools: old.tools ? undefined : true }), replace: true });
  const move = { group: "Thread", keysOnly: true };
  useCommands([
    { ...move, id: "next-turn", title: "Next turn", keys: ["j"], run: () => select(selected + 1) },
    { ...move, id: "previous-turn", title: "Previous turn", keys: ["k"], run: () => select(selected - 1) },
    { ...move, id: "first-turn", title: "First turn", keys: ["Home"], run: () => select(0) },
    { ...move, id: "last-turn", title: "Last turn", keys: ["End"], run: () => select(turns.length - 1) },
    {
      id: "next-failed",
      title: "Next failed turn",
      group: "Thread",
      keys: ["e"],
      run: () => {
        const after = turns.findIndex((one, index) => index > selected && one.error !== null);
        const index = after >= 0 ? after : turns.findIndex((one) => one.error !== null);
        if (index >= 0) select(index);
      },
    },
    {
      id: "open-trace",
      title: "Open the trace of the turn",
      group: "Thread",
      keys: ["Enter"],
      run: () =>
        void navigate({ to: "/p/$project/traces/$traceId", params: { project, traceId: turn.trace_id }, search: {} }),
    },
    { id: "tools", title: "Show or fold all tool calls", group: "Thread", keys: ["o"], run: flipTools },
    { id: "markdown", title: "Copy the thread as Markdown", group: "Thread", keys: ["C"], run: markdown.run },
  ]);
  return (
    <>
      <PageBar
        project={project}
        parents={[<Parent key="threads" project={project} />]}
        current={<span className="mono">{shownValue(threadId)}</span>}
        actions={
          <>
            <Button
              pressed={search.tools === true}
              icon={<Wrench size={13} aria-hidden />}
              title="Every tool call on a line of its own  O"
              aria-label="Tool calls"
              onClick={flipTools}
            >
              <span className={styles.roomy}>Tool calls</span>
            </Button>
            <AddToQueueButton project={project} runIds={[turn.root_run_id]} />
            <Button
              icon={<Copy size={13} aria-hidden />}
              title="Copy as Markdown  ⇧C"
              aria-label={markdown.note ?? "Copy as Markdown"}
              onClick={markdown.run}
            >
              {markdown.note ?? <span className={styles.roomy}>Copy as Markdown</span>}
            </Button>
            {projectId ? (
              <ShareButton
                what={{ kind: "thread", id: threadId, projectId }}
                reads="all turns of this thread, also those to come"
              />
            ) : null}
          </>
        }
      >
        <CopyButton text={threadId} label="Copy thread id" size={12} />
        <Health turns={turns} />
        <Facts project={project} turns={turns} />
      </PageBar>
      {cut ? (
        <p className={styles.cut}>The first {formatInt(MAX_TURNS)} turns of this thread are shown; it has more.</p>
      ) : null}
      <div className={styles.body}>
        <div className={styles.side}>
          <TurnRail turns={turns} selected={selected} onSelect={select} />
          <ContextChart turns={turns} selected={selected} onSelect={select} />
        </div>
        <Transcript
          id={TRANSCRIPT_ID}
          project={project}
          turns={turns}
          selected={selected}
          tools={search.tools === true}
          feedback={feedback}
          configs={configs}
          onSelect={select}
        />
      </div>
    </>
  );
}

/** Only what is not fine is said. */
function Health({ turns }: { turns: TraceRow[] }) {
  const failed = turns.filter((turn) => turn.status === "error").length;
  const last = turns.at(-1);
  if (last?.status === "pending") return <Pill>Running</Pill>;
  if (failed === 0) return null;
  return (
    <Pill tone="err">
      <TriangleAlert size={11} aria-hidden />
      {last?.status === "error" ? "Last turn failed" : `${plural(failed, "turn")} failed`}
    </Pill>
  );
}

function Facts({ project, turns }: { project: string; turns: TraceRow[] }) {
  const { cost, unpriced, tokens, users } = useMemo(() => totalsOf(turns), [turns]);
  const [first, last] = [turns[0].start_time, turns[turns.length - 1].start_time];
  return (
    <span className={styles.facts} title={`${formatDateTime(first)} – ${formatDateTime(last)}`}>
      {plural(turns.length, "turn")}
      {users.slice(0, 1).map((user) => (
        <span key={user}>
          {" · "}
          <Link
            to="/p/$project/threads"
            params={{ project }}
            search={{ user, t: "all" }}
            title={`All threads of ${shownValue(user)}`}
          >
            <bdi>{shownValue(user)}</bdi>
          </Link>
          {users.length > 1 ? ` and ${plural(users.length - 1, "other")}` : ""}
        </span>
      ))}
      {" · "}
      {unpriced ? "≥ " : ""}
      {formatCost(cost)}
      {" · "}
      <span title={tokens === null ? undefined : `${formatInt(tokens)} tokens`}>{formatTokens(tokens)} tokens</span>
      {" · "}started {formatDateTime(first)}
    </span>
  );
}
