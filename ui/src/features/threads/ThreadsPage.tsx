import { keepPreviousData, useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { MessagesSquare, SearchX } from "lucide-react";
import { useMemo, useRef, useState } from "react";
import { useTraceEvents } from "@/lib/api/events";
import { threadsQuery } from "@/lib/api/threads";
import type { ThreadRow } from "@/lib/api/types";
import { useCommands } from "@/lib/commands";
import { formatInt } from "@/lib/format";
import { useThrottled } from "@/lib/use-throttled";
import { useTitle } from "@/lib/title";
import { useDefaultRange } from "@/lib/use-default-range";
import { RowBones } from "@/components/Bones";
import { Button } from "@/components/Button";
import { type Hint, ListFooter } from "@/components/ListFooter";
import { EmptyState, ErrorState } from "@/components/Notice";
import { Page, PageBar } from "@/components/PageBar";
import { RangePicker } from "@/components/RangePicker";
import { type ThreadsSearch, validateThreadsSearch } from "./search";
import { ThreadsFilter } from "./ThreadsFilter";
import styles from "./ThreadsPage.module.css";
import { ThreadTable } from "./ThreadTable";

const route = getRouteApi("/p/$project/threads");

/** No more often than this is the list asked for again while traces arrive. */
const REFRESH_MS = 4_000;
/** Longer lists stand still. */
const LIVE_PAGES = 2;
const HINTS: readonly Hint[] = [
  [["j", "k"], "move"],
  [["Enter"], "open"],
  [["/"], "find"],
];

/** Conversations: the traces that share a thread id are its turns. */
export function ThreadsPage() {
  const { project } = route.useParams();
  return <ThreadsOf key={project} project={project} />;
}

function ThreadsOf({ project }: { project: string }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const standard = useDefaultRange(project);
  const t = search.t ?? standard;
  const asked = { t, words: search.q ?? "", user: search.user ?? "", failed: search.failed === true };
  const query = useInfiniteQuery({ ...threadsQuery(project, asked), placeholderData: keepPreviousData });
  const threads = useMemo(() => query.data?.pages.flatMap((page) => page.threads) ?? [], [query.data]);
  const [at, setAt] = useState(-1);
  const input = useRef<HTMLInputElement>(null);
  const client = useQueryClient();
  const refresh = useThrottled(() => {
    // Whoever is far down reads what is there; every page would have to be asked for again.
    if ((query.data?.pages.length ?? 0) <= LIVE_PAGES) void client.invalidateQueries({ queryKey: ["threads"] });
  }, REFRESH_MS);
  useTraceEvents(project, refresh, refresh);
  useTitle(`Threads of ${project}`);
  const set = (patch: ThreadsSearch, replace = false) =>
    void navigate({ search: (old) => validateThreadsSearch({ ...old, ...patch }), replace });
  const open = ({ thread_id }: ThreadRow) =>
    void navigate({ to: "/p/$project/threads/$threadId", params: { project, threadId: thread_id }, search: {} });
  const go = (index: number) => setAt(Math.max(0, Math.min(threads.length - 1, index)));
  useCommands([
    {
      id: "next",
      title: "Next thread",
      group: "Threads",
      keys: ["j", "ArrowDown"],
      keysOnly: true,
      run: () => go(at + 1),
    },
    {
      id: "previous",
      title: "Previous thread",
      group: "Threads",
      keys: ["k", "ArrowUp"],
      keysOnly: true,
      run: () => go(at - 1),
    },
    {
      id: "open",
      title: "Open the thread",
      group: "Threads",
      keys: ["Enter"],
      run: () => {
        const thread = threads[Math.max(0, at)];
        if (thread) open(thread);
      },
    },
    { id: "find", title: "Find threads", group: "Threads", keys: ["/"], run: () => input.current?.focus() },
    {
      id: "failed",
      title: "Only threads with failures",
      group: "Threads",
      keys: ["x"],
      run: () => set({ failed: search.failed ? undefined : true }),
    },
  ]);
  const narrowed = asked.words !== "" || asked.user !== "" || asked.failed;
  return (
    <Page busy={query.isFetching && !query.isFetchingNextPage}>
      <PageBar
        project={project}
        current="Threads"
        actions={<RangePicker value={t} onChange={(range) => set({ t: range })} />}
      />
      <ThreadsFilter search={search} onChange={set} inputRef={input} />
      <div className={styles.list}>
        {query.error ? (
          <ErrorState
            title="The threads could not be loaded"
            error={query.error}
            onRetry={() => void query.refetch()}
          />
        ) : threads.length > 0 ? (
          <ThreadTable
            project={project}
            threads={threads}
            at={at}
            onMore={query.hasNextPage && !query.isFetchingNextPage ? () => void query.fetchNextPage() : undefined}
          />
        ) : query.isPending ? (
          <RowBones />
        ) : (
          <Nothing narrowed={narrowed} project={project} range={t} set={set} />
        )}
      </div>
      <ListFooter hints={HINTS}>
        {query.data ? (
          <span>
            <b>
              {formatInt(threads.length)}
              {query.hasNextPage ? "+" : ""}
            </b>{" "}
            {threads.length === 1 ? "thread" : "threads"}
          </span>
        ) : null}
        {narrowed ? <span>with a turn that matches; figures are those of all turns</span> : null}
      </ListFooter>
    </Page>
  );
}

interface NothingProps {
  narrowed: boolean;
  project: string;
  range: string;
  set: (patch: ThreadsSearch) => void;
}

function Nothing({ narrowed, project, range, set }: NothingProps) {
  if (narrowed)
    return (
      <EmptyState
        icon={<SearchX size={24} aria-hidden />}
        title="No threads match"
        actions={
          <Button onClick={() => set({ q: undefined, user: undefined, failed: undefined })}>Clear the filter</Button>
        }
      >
        <p>
          Words are looked for in what turns were asked and what they answered; a whole thread id finds that thread.
        </p>
      </EmptyState>
    );
  return (
    <EmptyState
      icon={<MessagesSquare size={24} aria-hidden />}
      title={range === "all" ? "No threads yet" : "No threads in this time"}
      actions={range === "all" ? undefined : <Button onClick={() => set({ t: "all" })}>Look at all time</Button>}
    >
      <p>
        A thread is a conversation: traces of {project} that carry the same <span className="mono">session_id</span>,{" "}
        <span className="mono">conversation_id</span> or <span className="mono">thread_id</span> in their metadata (in
        OpenTelemetry: <span className="mono">session.id</span> or <span className="mono">gen_ai.conversation.id</span>
        ).
      </p>
    </EmptyState>
  );
}
