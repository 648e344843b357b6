import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Plus, Tag as TagIcon, X } from "lucide-react";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { messageOf } from "@/lib/api/client";
import { type Commit, costPerCall, deleteTag, tagCommit, type Usage } from "@/lib/api/prompts";
import { cx } from "@/lib/cx";
import { formatAgo, formatCost, formatInstant, plural } from "@/lib/format";
import { Button, IconButton } from "@/components/Button";
import { Popover } from "@/components/Popover";
import { microsOf, shortHash } from "./times";
import type { Versions } from "./useVersions";
import styles from "./VersionList.module.css";

interface Props {
  name: string;
  versions: Versions;
  current: Commit | undefined;
  usage: Map<string, Usage> | undefined;
  onOpen: (hash: string) => void;
}

/** The newest first, with their tags and what their calls cost. */
export function VersionList({ name, versions, current, usage, onOpen }: Props) {
  const { commits, total, tags } = versions;
  const list = useRef<HTMLOListElement>(null);
  useEffect(() => {
    list.current?.querySelector("[aria-current=true]")?.scrollIntoView({ block: "nearest" });
  }, [current]);
  return (
    <nav className={styles.versions} aria-label="Versions">
      <h2>{plural(total, "version")}</h2>
      <ol ref={list}>
        {commits.map((commit) => {
          const used = usageOf(usage, commit);
          return (
            <li key={commit.id} className={cx(styles.version, commit === current && styles.current)}>
              <button
                type="button"
                aria-current={commit === current}
                onClick={() => onOpen(shortHash(commit.commit_hash))}
              >
                <span className={styles.line}>
                  <span className="mono">{shortHash(commit.commit_hash)}</span>
                  <span className="grow" />
                  <time title={formatInstant(microsOf(commit.created_at))}>
                    {formatAgo(microsOf(commit.created_at))}
                  </time>
                </span>
                {commit.description ? <span className={styles.says}>{commit.description}</span> : null}
                {used ? (
                  <span className={styles.used}>
                    {plural(used.calls, "call")} · {formatCost(costPerCall(used))} each
                  </span>
                ) : null}
              </button>
              <Tags name={name} commit={commit} versions={versions} />
            </li>
          );
        })}
      </ol>
      {versions.hasMore ? (
        <Button className={styles.more} onClick={versions.loadMore}>
          Show older
        </Button>
      ) : null}
      {tags.length === 0 ? (
        <p className={styles.hint}>
          A tag such as <b>production</b> marks the version that programs pull by it. Move it to roll out, or back.
        </p>
      ) : null}
    </nav>
  );
}

/** Programs name the whole hash, or its beginning. */
export const usageOf = (usage: Map<string, Usage> | undefined, commit: Commit): Usage | undefined =>
  usage?.get(commit.commit_hash) ?? usage?.get(shortHash(commit.commit_hash));

const SUGGESTED = ["production", "staging"];

function Tags({ name, commit, versions }: { name: string; commit: Commit; versions: Versions }) {
  const [open, setOpen] = useState(false);
  const here = versions.tags.filter((tag) => tag.commit_hash === commit.commit_hash);
  return (
    <span className={styles.tags}>
      {here.map((tag) => (
        <span key={tag.tag_name} className={styles.tag}>
          <TagIcon size={10} aria-hidden />
          {tag.tag_name}
        </span>
      ))}
      <Popover
        label={`Tags of ${shortHash(commit.commit_hash)}`}
        open={open}
        onOpenChange={setOpen}
        trigger={
          <IconButton className={styles.add} label={`Tag ${shortHash(commit.commit_hash)}`}>
            <Plus size={12} aria-hidden />
          </IconButton>
        }
      >
        {open ? <TagPanel name={name} commit={commit} versions={versions} onDone={() => setOpen(false)} /> : null}
      </Popover>
    </span>
  );
}

interface PanelProps {
  name: string;
  commit: Commit;
  versions: Versions;
  onDone: () => void;
}

function TagPanel({ name, commit, versions, onDone }: PanelProps) {
  const client = useQueryClient();
  const [text, setText] = useState("");
  const { tags, commits } = versions;
  const change = useMutation({
    mutationFn: (act: () => Promise<unknown>) => act(),
    onSuccess: onDone,
    onSettled: () => client.invalidateQueries({ queryKey: ["prompt-tags", name] }),
  });
  const put = (tag: string) => change.mutate(() => tagCommit(name, tag, commit.id));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (text.trim() !== "") put(text.trim());
  };
  const here = tags.filter((tag) => tag.commit_hash === commit.commit_hash);
  const elsewhere = tags.filter((tag) => tag.commit_hash !== commit.commit_hash);
  const unused = SUGGESTED.filter((tag) => !tags.some((one) => one.tag_name === tag));
  const place = (hash: string): string =>
    commits.some((one) => one.commit_hash === hash) ? `from ${shortHash(hash)}` : "from an older one";
  return (
    <div className={styles.panel}>
      {here.map(({ tag_name: tag }) => (
        <Button key={tag} icon={<X size={12} aria-hidden />} onClick={() => change.mutate(() => deleteTag(name, tag))}>
          Take {tag} away
        </Button>
      ))}
      {elsewhere.map(({ tag_name: tag, commit_hash: hash }) => (
        <Button key={tag} icon={<TagIcon size={12} aria-hidden />} onClick={() => put(tag)}>
          Move {tag} here <span className={styles.from}>{place(hash)}</span>
        </Button>
      ))}
      {unused.map((tag) => (
        <Button key={tag} icon={<TagIcon size={12} aria-hidden />} onClick={() => put(tag)}>
          Tag as {tag}
        </Button>
      ))}
      <form onSubmit={submit}>
        <input
          aria-label="New tag"
          placeholder="another tag"
          value={text}
          autoCapitalize="off"
          spellCheck={false}
          onChange={(event) => setText(event.target.value)}
        />
        <Button type="submit" disabled={text.trim() === "" || change.isPending}>
          Add
        </Button>
      </form>
      {change.isError ? (
        <p className={styles.failed} role="alert">
          {messageOf(change.error)}
        </p>
      ) : null}
    </div>
  );
}
