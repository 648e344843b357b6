import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Plus, Search, SquareTerminal } from "lucide-react";
import { useRef, useState } from "react";
import {
  costPerCall,
  fetchPrompts,
  type Prompt,
  type PromptKind,
  USAGE_DAYS,
  type Usage,
  usageOfPromptsQuery,
} from "@/lib/api/prompts";
import { useCommands } from "@/lib/commands";
import { cx } from "@/lib/cx";
import { formatAgo, formatCost, formatInstant, formatInt, formatPercent, plural } from "@/lib/format";
import { useTitle } from "@/lib/title";
import { RowBones } from "@/components/Bones";
import { Button } from "@/components/Button";
import { ListFooter } from "@/components/ListFooter";
import { EmptyState, ErrorState } from "@/components/Notice";
import { Page, PageBar } from "@/components/PageBar";
import { Segmented } from "@/components/Segmented";
import { Pill, Tag } from "@/components/Tag";
import table from "@/components/Table.module.css";
import { NewPrompt } from "./NewPrompt";
import styles from "./PromptsPage.module.css";
import { validatePromptsSearch, type PromptsSearch } from "./search";
import { microsOf, shortHash } from "./times";

const route = getRouteApi("/p/$project/prompts");

const KINDS = [
  { value: "prompt", label: "Prompts" },
  { value: "agent", label: "Agents" },
  { value: "skill", label: "Skills" },
] as const;

/** Prompts of the workspace, the last changed first, with what their calls cost. */
export function PromptsPage() {
  const { project } = route.useParams();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [making, setMaking] = useState(false);
  const [current, setCurrent] = useState(0);
  const field = useRef<HTMLInputElement>(null);
  useTitle("Prompts");
  const kind: PromptKind = search.kind ?? "prompt";
  const asked = { query: search.q, kind, archived: search.archived === true };
  const list = useInfiniteQuery({
    queryKey: ["prompts", asked],
    queryFn: ({ pageParam, signal }) => fetchPrompts({ ...asked, offset: pageParam }, signal),
    initialPageParam: 0,
    getNextPageParam: (last, pages) => {
      const seen = pages.reduce((sum, page) => sum + page.repos.length, 0);
      return last.repos.length > 0 && seen < last.total ? seen : undefined;
    },
    placeholderData: (old) => old,
  });
  const usage = useQuery(usageOfPromptsQuery());
  const prompts = list.data?.pages.flatMap((page) => page.repos) ?? [];
  const total = list.data?.pages.at(-1)?.total ?? 0;
  const set = (patch: PromptsSearch, replace = false) => {
    setCurrent(0);
    void navigate({ search: (old) => validatePromptsSearch({ ...old, ...patch }), replace });
  };
  const open = (prompt: Prompt | undefined) =>
    prompt && void navigate({ to: "/p/$project/prompts/$name", params: { project, name: prompt.repo_handle } });
  const at = Math.min(current, prompts.length - 1);
  useCommands([
    { id: "new-prompt", title: "New prompt", group: "Prompts", keys: ["n"], run: () => setMaking(true) },
    { id: "find-prompt", title: "Search prompts", group: "Prompts", keys: ["/"], run: () => field.current?.focus() },
    move("j", "Next prompt", ["j", "ArrowDown"], () => setCurrent(Math.min(at + 1, prompts.length - 1))),
    move("k", "Previous prompt", ["k", "ArrowUp"], () => setCurrent(Math.max(at - 1, 0))),
    { ...move("open", "Open the prompt", ["Enter"], () => open(prompts[at])), when: () => prompts.length > 0 },
  ]);
  return (
    <Page busy={list.isPending || (list.isFetching && list.isPlaceholderData)}>
      <PageBar
        project={project}
        current="Prompts"
        actions={
          <Button look="primary" icon={<Plus size={13} aria-hidden />} onClick={() => setMaking(true)}>
            New prompt
          </Button>
        }
      />
      <div className={styles.toolbar}>
        <label className={styles.search}>
          <Search size={13} aria-hidden />
          <input
            ref={field}
            type="search"
            aria-label="Search prompts"
            placeholder="Name, description or readme"
            value={search.q ?? ""}
            onChange={(event) => set({ q: event.target.value }, true)}
          />
        </label>
        <Segmented
          label="Kind"
          value={kind}
          options={KINDS}
          onChange={(value) => set({ kind: value === "prompt" ? undefined : value })}
        />
        <Button
          pressed={search.archived === true}
          onClick={() => set({ archived: search.archived ? undefined : true })}
        >
          Archived
        </Button>
      </div>
      <div className={table.scroll}>
        {list.isError && !list.data ? (
          <ErrorState title="The prompts could not be loaded" error={list.error} onRetry={() => void list.refetch()} />
        ) : list.data && prompts.length === 0 ? (
          <Nothing
            search={search}
            onNew={() => setMaking(true)}
            onClear={() => set({ q: undefined, archived: undefined })}
          />
        ) : prompts.length > 0 ? (
          <Table project={project} prompts={prompts} current={at} usage={usage.data} />
        ) : (
          <RowBones />
        )}
        {list.hasNextPage ? (
          <p className={table.more}>
            <Button disabled={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
              {formatInt(prompts.length)} of {formatInt(total)}: show more
            </Button>
          </p>
        ) : null}
      </div>
      <ListFooter
        hints={[
          [["j", "k"], "move"],
          [["Enter"], "open"],
          [["n"], "new"],
        ]}
      >
        <span>
          <b>{plural(total, kind)}</b>
        </span>
        {usage.isError ? <span>Calls could not be counted: {usage.error.message}</span> : null}
      </ListFooter>
      {making ? <NewPrompt project={project} onClose={() => setMaking(false)} /> : null}
    </Page>
  );
}

const move = (id: string, title: string, keys: string[], run: () => void) => ({
  id,
  title,
  keys,
  run,
  group: "Prompts",
  keysOnly: true,
});

function Nothing({ search, onNew, onClear }: { search: PromptsSearch; onNew: () => void; onClear: () => void }) {
  if (search.q || search.archived)
    return (
      <EmptyState
        icon={<Search size={24} aria-hidden />}
        title={search.q ? `Nothing with “${search.q}”` : "Nothing is archived"}
        actions={<Button onClick={onClear}>Show all</Button>}
      />
    );
  return (
    <EmptyState
      icon={<SquareTerminal size={24} aria-hidden />}
      title={search.kind ? `No ${search.kind}s yet` : "No prompts yet"}
      actions={search.kind ? null : <Button onClick={onNew}>New prompt</Button>}
    >
      <p>
        Push one from a program with <code className="mono">client.push_{search.kind ?? "prompt"}(…)</code>
        {search.kind
          ? "."
          : ", or write it here. Programs pull it by its name, and calls that use it are counted per version."}
      </p>
    </EmptyState>
  );
}

interface TableProps {
  project: string;
  prompts: Prompt[];
  current: number;
  usage: Map<string, Usage> | undefined;
}

function Table({ project, prompts, current, usage }: TableProps) {
  return (
    <table className={cx(table.table, styles.prompts)} aria-label="Prompts">
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Description</th>
          <th scope="col" className={table.number}>
            Versions
          </th>
          <th scope="col">Newest</th>
          <th scope="col" className={table.number} title={`Model calls that name the prompt, past ${USAGE_DAYS} days`}>
            Calls, {USAGE_DAYS} days
          </th>
          <th scope="col" className={table.number}>
            Per call
          </th>
          <th scope="col" className={table.number}>
            Failed
          </th>
        </tr>
      </thead>
      <tbody>
        {prompts.map((prompt, index) => (
          <Row
            key={prompt.id}
            project={project}
            prompt={prompt}
            current={index === current}
            usage={usage?.get(prompt.repo_handle)}
          />
        ))}
      </tbody>
    </table>
  );
}

interface RowProps {
  project: string;
  prompt: Prompt;
  current: boolean;
  usage: Usage | undefined;
}

function Row({ project, prompt, current, usage }: RowProps) {
  const updated = microsOf(prompt.updated_at);
  const scroll = (row: HTMLTableRowElement | null) => {
    if (current) row?.scrollIntoView({ block: "nearest" });
  };
  return (
    <tr ref={scroll} className={cx(current && table.current)}>
      <td className={styles.name}>
        <Link
          to="/p/$project/prompts/$name"
          params={{ project, name: prompt.repo_handle }}
          title={prompt.repo_handle}
          className={cx(table.name, table.whole)}
        >
          {prompt.repo_handle}
        </Link>
        {prompt.is_public ? <Pill>Public</Pill> : null}
      </td>
      <td>
        <div className={styles.description}>
          <span className="ellipsis" title={prompt.description ?? undefined}>
            {prompt.description}
          </span>
          <Tags tags={prompt.tags} />
        </div>
      </td>
      <td className={table.number}>{formatInt(prompt.num_commits)}</td>
      <td title={formatInstant(updated)}>
        {prompt.last_commit_hash ? <span className="mono">{shortHash(prompt.last_commit_hash)}</span> : "no version"}{" "}
        <span className={styles.ago}>{formatAgo(updated)}</span>
      </td>
      <td className={table.number}>{usage ? formatInt(usage.calls) : ""}</td>
      <td className={table.number}>{usage ? formatCost(costPerCall(usage)) : ""}</td>
      <td className={cx(table.number, usage && usage.failed > 0 && table.bad)}>
        {usage && usage.failed > 0 ? formatPercent(usage.failed / usage.calls) : ""}
      </td>
    </tr>
  );
}

const Tags = ({ tags }: { tags: string[] }) => (
  <span className={styles.tags} title={tags.join(", ")}>
    {tags.map((tag) => (
      <Tag key={tag}>{tag}</Tag>
    ))}
  </span>
);
