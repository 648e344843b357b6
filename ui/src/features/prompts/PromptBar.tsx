import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Archive, Code, Ellipsis, Globe, Lock, PencilLine, SlidersHorizontal, Trash2 } from "lucide-react";
import { useState } from "react";
import { messageOf } from "@/lib/api/client";
import {
  type Commit,
  type CommitTag,
  deletePrompt,
  type Prompt,
  type PromptAbout,
  updatePrompt,
} from "@/lib/api/prompts";
import { plural } from "@/lib/format";
import { Button, IconButton } from "@/components/Button";
import { ConfirmDialog } from "@/components/ConfirmDialog";
import { copyText } from "@/components/CopyButton";
import { Menu, MenuItem, MenuSeparator } from "@/components/Menu";
import { PageBar } from "@/components/PageBar";
import { Pill, Tag } from "@/components/Tag";
import { DetailsDialog } from "./DetailsDialog";
import styles from "./PromptPage.module.css";
import { Up } from "./PromptPage";
import { javascriptSnippet, pythonSnippet } from "./snippets";
import { shortHash } from "./times";

interface Props {
  project: string;
  prompt: Prompt;
  commit: Commit | undefined;
  tags: CommitTag[];
  editing: boolean;
  onEdit: () => void;
}

/** Name, what it is, and what can be done with all of it. */
export function PromptBar({ project, prompt, commit, tags, editing, onEdit }: Props) {
  return (
    <PageBar
      project={project}
      parents={[<Up key="up" project={project} />]}
      current={prompt.repo_handle}
      actions={
        <>
          {commit ? <SnippetMenu prompt={prompt} commit={commit} tags={tags} /> : null}
          {prompt.repo_type === "prompt" && !editing ? (
            <Button look="primary" icon={<PencilLine size={13} aria-hidden />} onClick={onEdit}>
              {commit ? "Edit" : "Write the first version"}
            </Button>
          ) : null}
          <MoreMenu project={project} prompt={prompt} />
        </>
      }
    >
      {prompt.repo_type === "prompt" ? null : <Pill>{prompt.repo_type === "agent" ? "Agent" : "Skill"}</Pill>}
      {prompt.is_public ? <Pill>Public</Pill> : null}
      {prompt.is_archived ? <Pill tone="warn">Archived</Pill> : null}
      <span className={styles.about} title={prompt.description ?? undefined}>
        {prompt.description}
      </span>
      <span className={styles.tags}>
        {prompt.tags.slice(0, 4).map((tag) => (
          <Tag key={tag}>{tag}</Tag>
        ))}
      </span>
    </PageBar>
  );
}

/** Pulls by tag where the version has one: programs then follow the tag. */
function SnippetMenu({ prompt, commit, tags }: { prompt: Prompt; commit: Commit; tags: CommitTag[] }) {
  const [copied, setCopied] = useState(false);
  const ref = tags.find((tag) => tag.commit_hash === commit.commit_hash)?.tag_name ?? shortHash(commit.commit_hash);
  const copy = (text: string) =>
    void copyText(text).then((done) => {
      setCopied(done);
      setTimeout(() => setCopied(false), 1_200);
    });
  const { repo_type: kind, repo_handle: name } = prompt;
  return (
    <Menu align="end" trigger={<Button icon={<Code size={13} aria-hidden />}>{copied ? "Copied" : "Use it"}</Button>}>
      <MenuItem hint={ref} onSelect={() => copy(pythonSnippet(kind, name, ref))}>
        Copy for Python
      </MenuItem>
      <MenuItem hint={ref} onSelect={() => copy(javascriptSnippet(kind, name, ref))}>
        Copy for JavaScript
      </MenuItem>
      <MenuSeparator />
      <MenuItem hint="always the newest" onSelect={() => copy(pythonSnippet(kind, name, undefined))}>
        Copy for Python
      </MenuItem>
      <MenuItem hint="always the newest" onSelect={() => copy(javascriptSnippet(kind, name, undefined))}>
        Copy for JavaScript
      </MenuItem>
    </Menu>
  );
}

function MoreMenu({ project, prompt }: { project: string; prompt: Prompt }) {
  const [asking, setAsking] = useState<"details" | "delete" | null>(null);
  const client = useQueryClient();
  const navigate = useNavigate();
  const name = prompt.repo_handle;
  const refresh = () =>
    Promise.all([
      client.invalidateQueries({ queryKey: ["prompt", name] }),
      client.invalidateQueries({ queryKey: ["prompts"] }),
    ]);
  const change = useMutation({
    mutationFn: (about: PromptAbout) => updatePrompt(name, about),
    onSettled: refresh,
  });
  const leave = () => {
    // The list must not show for a moment what is gone.
    client.removeQueries({ queryKey: ["prompts"] });
    void navigate({ to: "/p/$project/prompts", params: { project } }).then(() => {
      for (const key of ["prompt", "prompt-commits", "prompt-tags"]) client.removeQueries({ queryKey: [key, name] });
    });
  };
  return (
    <>
      {change.isError ? (
        <span className={styles.failed} role="alert">
          {messageOf(change.error)}
        </span>
      ) : null}
      <Menu
        align="end"
        trigger={
          <IconButton label="More about this prompt">
            <Ellipsis size={15} aria-hidden />
          </IconButton>
        }
      >
        <MenuItem icon={<SlidersHorizontal size={13} aria-hidden />} onSelect={() => setAsking("details")}>
          Edit description and readme…
        </MenuItem>
        <MenuItem
          icon={prompt.is_public ? <Lock size={13} aria-hidden /> : <Globe size={13} aria-hidden />}
          onSelect={() => change.mutate({ is_public: !prompt.is_public })}
        >
          {prompt.is_public ? "Make private" : "Make public"}
        </MenuItem>
        <MenuItem
          icon={<Archive size={13} aria-hidden />}
          onSelect={() => change.mutate({ is_archived: !prompt.is_archived })}
        >
          {prompt.is_archived ? "Take out of the archive" : "Archive"}
        </MenuItem>
        <MenuSeparator />
        <MenuItem icon={<Trash2 size={13} aria-hidden />} onSelect={() => setAsking("delete")}>
          Delete {prompt.repo_type}…
        </MenuItem>
      </Menu>
      {asking === "details" ? (
        <DetailsDialog prompt={prompt} onClose={() => setAsking(null)} onSaved={() => void refresh()} />
      ) : null}
      {asking === "delete" ? (
        <ConfirmDialog
          title={`Delete ${name}?`}
          action={`Delete ${prompt.repo_type}`}
          typed={name}
          onConfirm={() => deletePrompt(name)}
          onDone={leave}
          onClose={() => setAsking(null)}
        >
          <p>
            <b>{plural(prompt.num_commits, "version")}</b> with their tags go, and programs that pull {name} fail. Runs
            that used it stay. This cannot be undone; archiving only takes it off the list.
          </p>
        </ConfirmDialog>
      ) : null}
    </>
  );
}
