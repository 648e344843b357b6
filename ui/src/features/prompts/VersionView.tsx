import type { UseQueryResult } from "@tanstack/react-query";
import { useMemo } from "react";
import { printJson } from "@/lib/api/json";
import type { Commit, Prompt, Usage } from "@/lib/api/prompts";
import { formatDateTime } from "@/lib/format";
import { Choice } from "@/components/Choice";
import { Code } from "@/components/Code";
import { CopyButton } from "@/components/CopyButton";
import { EmptyState } from "@/components/Notice";
import { Markdown } from "@/components/Markdown";
import { Segmented } from "@/components/Segmented";
import { DiffView } from "./DiffView";
import { EffectView } from "./EffectView";
import { FilesView } from "./FilesView";
import { readManifest } from "./manifest";
import { MessagesView } from "./MessagesView";
import styles from "./PromptPage.module.css";
import type { PromptSearch } from "./search";
import { microsOf, shortHash } from "./times";
import { findCommit, type Versions } from "./useVersions";

interface Props {
  project: string;
  prompt: Prompt;
  commit: Commit;
  versions: Versions;
  usage: UseQueryResult<Map<string, Usage>>;
  search: PromptSearch;
  set: (patch: PromptSearch) => void;
}

type View = NonNullable<PromptSearch["view"]> | "content";

/** One version, in five ways to look at it. */
export function VersionView({ project, prompt, commit, versions, usage, search, set }: Props) {
  const view: View = search.view ?? "content";
  const isPrompt = prompt.repo_type === "prompt";
  const content = useMemo(() => readManifest(commit.manifest), [commit]);
  const options: { value: View; label: string }[] = [
    { value: "content", label: content.kind === "files" ? "Files" : content.kind === "text" ? "Text" : "Messages" },
    { value: "diff", label: "Changes" },
    ...(isPrompt ? [{ value: "effect" as const, label: "Effect" }] : []),
    { value: "json", label: "JSON" },
    { value: "readme", label: "Readme" },
  ];
  const { commits, tags } = versions;
  // Without a choice: the version before.
  const before = search.against
    ? findCommit(commits, tags, search.against)
    : commits.find((one) => one.commit_hash === commit.parent_commit_hash);
  return (
    <section className={styles.version} aria-label={`Version ${shortHash(commit.commit_hash)}`}>
      <div className={styles.toolbar}>
        <Segmented
          label="View"
          value={view}
          options={options}
          onChange={(value) => set({ view: value === "content" ? undefined : value })}
        />
        {view === "diff" && commits.length > 1 ? (
          <Choice
            label="since"
            value={before ? shortHash(before.commit_hash) : ""}
            options={[
              ...(before ? [] : [{ value: "", label: "nothing" }]),
              ...commits
                .filter((one) => one !== commit)
                .map((one) => ({ value: shortHash(one.commit_hash), label: nameOf(one, tags) })),
            ]}
            onChange={(against) => set({ against })}
          />
        ) : null}
        <span className="grow" />
        {view === "json" ? <CopyButton text={() => printJson(commit.manifest)} label="Copy JSON" showLabel /> : null}
        <span className={styles.id}>
          <span className="mono">{shortHash(commit.commit_hash)}</span>
          <CopyButton text={commit.commit_hash} label="Copy the whole hash" size={12} />
        </span>
        <span className={styles.when}>{formatDateTime(microsOf(commit.created_at))}</span>
      </div>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a region that scrolls has to be reachable */}
      <div className={styles.scroll} role="region" aria-label="Version" tabIndex={0} key={`${commit.id} ${view}`}>
        {view === "diff" ? (
          <DiffView before={before} after={commit} />
        ) : view === "effect" ? (
          <EffectView
            project={project}
            versions={versions}
            usage={usage}
            commit={commit}
            onOpen={(hash) => set({ commit: hash })}
          />
        ) : view === "json" ? (
          <div className={styles.code}>
            <Code code={printJson(commit.manifest)} lang="json" />
          </div>
        ) : view === "readme" ? (
          <Readme prompt={prompt} />
        ) : content.kind === "files" ? (
          <FilesView project={project} files={content.files} />
        ) : content.kind === "unknown" ? (
          <EmptyState title="This version is no prompt that is known here">
            <p>It holds something else than LangChain's messages or a text. JSON shows what it is.</p>
          </EmptyState>
        ) : (
          <MessagesView content={content} />
        )}
      </div>
    </section>
  );
}

function nameOf(commit: Commit, tags: Versions["tags"]): string {
  const tag = tags.find((one) => one.commit_hash === commit.commit_hash)?.tag_name;
  return [shortHash(commit.commit_hash), tag && `(${tag})`, commit.description].filter(Boolean).join(" ");
}

function Readme({ prompt }: { prompt: Prompt }) {
  if (!prompt.readme?.trim())
    return (
      <EmptyState title="No readme">
        <p>Say who uses {prompt.repo_handle} and what must not change: menu, Edit description and readme.</p>
      </EmptyState>
    );
  return (
    <div className={styles.readme}>
      <Markdown text={prompt.readme} />
    </div>
  );
}
