import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useBlocker } from "@tanstack/react-router";
import { type FormEvent, useMemo, useRef, useState } from "react";
import { parseJson, printJson } from "@/lib/api/json";
import { ApiError, messageOf } from "@/lib/api/client";
import { type Commit, commitPrompt, fetchCommits } from "@/lib/api/prompts";
import { useCommands } from "@/lib/commands";
import { plural } from "@/lib/format";
import { Button } from "@/components/Button";
import { Dialog } from "@/components/Dialog";
import { Keys } from "@/components/Keys";
import { applyDraft, type DraftMessage, draftOf, emptyManifest, mainFormat } from "./edit";
import { DraftCard } from "./DraftCard";
import styles from "./Editor.module.css";
import { kwargsOf, promptNode } from "./manifest";
import { shortHash } from "./times";
import { commitsKey } from "./useVersions";

interface Props {
  name: string;
  /** What is edited; nothing where there is no version yet. */
  base: Commit | undefined;
  /** What the new version follows. */
  newest: Commit | undefined;
  onClose: () => void;
  onSaved: () => void;
}

/** A version in text fields; saving makes a new version, and changes none. */
export function Editor({ name, onClose, onSaved, ...props }: Props) {
  const client = useQueryClient();
  // What arrives meanwhile must not take away what is being written.
  const [{ base, newest }] = useState({ base: props.base, newest: props.newest });
  const start = useMemo(() => base?.manifest ?? emptyManifest(), [base]);
  const [draft, setDraft] = useState(() => draftOf(start));
  // Without messages that are known, the JSON itself is edited.
  const [json, setJson] = useState(() => (draft ? "" : printJson(start)));
  const [says, setSays] = useState("");
  const [parent, setParent] = useState(newest?.commit_hash ?? null);
  const manifest = useMemo(() => (draft ? applyDraft(start, draft) : tryJson(json)), [start, draft, json]);
  const unchanged = base !== undefined && manifest !== undefined && printJson(manifest) === printJson(base.manifest);
  const isDirty = base
    ? !unchanged
    : draft?.some((one) => one.source === null || one.text !== textAtStart(one)) === true;
  const done = useRef(false);
  const leaving = useBlocker({
    shouldBlockFn: () => isDirty && !done.current,
    enableBeforeUnload: () => isDirty && !done.current,
    withResolver: true,
  });
  const save = useMutation({
    mutationFn: (onto: string | null) =>
      commitPrompt(name, { parent_commit: onto, manifest, description: says.trim() || null }),
    onSuccess: async () => {
      done.current = true;
      for (const key of [commitsKey(name), ["prompt", name], ["prompt-tags", name], ["prompts"]])
        await client.invalidateQueries({ queryKey: key });
      onSaved();
    },
  });
  // Somebody else was faster: what they wrote stays, and the new version follows it.
  const catchUp = useMutation({
    mutationFn: async () => (await fetchCommits(name, 0)).commits[0].commit_hash,
    onSuccess: (hash) => {
      setParent(hash);
      save.mutate(hash);
    },
  });
  const ready = manifest !== undefined && !unchanged && !save.isPending;
  const submit = (event?: FormEvent) => {
    event?.preventDefault();
    if (ready) save.mutate(parent);
  };
  useCommands([
    {
      id: "save-version",
      title: "Save as new version",
      group: "Prompt",
      keys: ["Mod+Enter"],
      inFields: true,
      run: submit,
    },
    { id: "leave-editor", title: "Leave the editor", group: "Prompt", keys: ["Escape"], run: onClose },
  ]);
  const change = (next: DraftMessage[]) => {
    save.reset();
    setDraft(next);
  };
  const isStale = save.error instanceof ApiError && save.error.status === 409 && /parent/.test(save.error.message);
  return (
    <form
      className={styles.editor}
      onSubmit={submit}
      aria-label={base ? `New version of ${name}` : `First version of ${name}`}
    >
      <div className={styles.scroll}>
        <p className={styles.intro}>
          {base ? (
            <>
              Starts as <b className="mono">{shortHash(base.commit_hash)}</b>
              {newest && base !== newest ? ", which is not the newest," : ""} and becomes a version of its own. Tags
              stay where they are until you move them.
            </>
          ) : (
            "The first version. A variable is a name in braces: {question}."
          )}
        </p>
        {draft ? (
          <Messages draft={draft} onChange={change} isText={draft[0]?.role === "prompt"} />
        ) : (
          <textarea
            className={styles.json}
            aria-label="Manifest"
            aria-invalid={manifest === undefined}
            spellCheck={false}
            value={json}
            onChange={(event) => setJson(event.target.value)}
          />
        )}
      </div>
      <footer>
        {save.isError ? (
          <p className={styles.failed} role="alert">
            {messageOf(save.error)}{" "}
            {isStale ? (
              <Button disabled={catchUp.isPending} onClick={() => catchUp.mutate()}>
                Save on top of the newest
              </Button>
            ) : null}
          </p>
        ) : (
          <Variables manifest={manifest} />
        )}
        <input
          aria-label="What changed"
          placeholder="What changed, in a few words"
          value={says}
          onChange={(event) => setSays(event.target.value)}
        />
        <Button onClick={onClose}>Cancel</Button>
        <Button look="primary" type="submit" disabled={!ready}>
          {unchanged ? "Nothing changed" : "Save as new version"}
          {ready ? <Keys name="Mod+Enter" /> : null}
        </Button>
      </footer>
      {leaving.status === "blocked" ? (
        <Dialog title="Leave without saving?" width={400} onClose={leaving.reset}>
          <p className={styles.ask}>What you wrote is not a version yet, and would be lost.</p>
          <div className={styles.answers}>
            <Button onClick={leaving.proceed}>Discard it</Button>
            <Button look="primary" onClick={leaving.reset}>
              Go on writing
            </Button>
          </div>
        </Dialog>
      ) : null}
    </form>
  );
}

function textAtStart({ source }: DraftMessage): string | null {
  const part = source?.parts[0];
  return part?.kind === "text" ? part.text : null;
}

function tryJson(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

function Variables({ manifest }: { manifest: unknown }) {
  const names = kwargsOf(promptNode(manifest)).input_variables;
  const list = Array.isArray(names) ? (names as string[]) : [];
  if (manifest === undefined) return <p className={styles.failed}>This is no JSON yet.</p>;
  return (
    <p className={styles.variables} title={list.join(", ")}>
      {plural(list.length, "variable")} to give{list.length > 0 ? ": " : ""}
      <span className="mono">{list.join(", ")}</span>
    </p>
  );
}

interface MessagesProps {
  draft: DraftMessage[];
  onChange: (draft: DraftMessage[]) => void;
  /** One text, no chat. */
  isText: boolean;
}

function Messages({ draft, onChange, isText }: MessagesProps) {
  const put = (index: number, message: DraftMessage) => onChange(draft.with(index, message));
  const move = (from: number, to: number) => {
    const next = [...draft];
    next.splice(to, 0, ...next.splice(from, 1));
    onChange(next);
  };
  const add = (message: Partial<DraftMessage>) => {
    const key = Math.max(-1, ...draft.map((one) => one.key)) + 1;
    onChange([...draft, { key, role: "user", text: "", format: mainFormat(draft), source: null, ...message }]);
  };
  return (
    <div className={styles.messages}>
      {draft.map((message, index) => (
        <DraftCard
          key={message.key}
          message={message}
          isText={isText}
          onChange={(next) => put(index, next)}
          onUp={index > 0 ? () => move(index, index - 1) : undefined}
          onDown={index < draft.length - 1 ? () => move(index, index + 1) : undefined}
          onRemove={() => onChange(draft.toSpliced(index, 1))}
        />
      ))}
      {isText ? null : (
        <div className={styles.adds}>
          <Button icon={<Plus size={13} aria-hidden />} onClick={() => add({})}>
            Message
          </Button>
          <Button
            icon={<Plus size={13} aria-hidden />}
            onClick={() => add({ role: "messages", text: null, variable: "history", optional: true })}
          >
            Place for messages
          </Button>
        </div>
      )}
    </div>
  );
}
