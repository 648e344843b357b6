import { Search, TriangleAlert, UserRound, X } from "lucide-react";
import { type RefObject, useEffect, useState } from "react";
import { shownValue } from "@/lib/visible-text";
import { Button } from "@/components/Button";
import type { ThreadsSearch } from "./search";
import styles from "./ThreadsPage.module.css";

/** Typing becomes a question to the server when it rests this long. */
const REST_MS = 250;

interface Props {
  search: ThreadsSearch;
  onChange: (patch: ThreadsSearch, replace?: boolean) => void;
  inputRef: RefObject<HTMLInputElement | null>;
}

export function ThreadsFilter({ search, onChange, inputRef }: Props) {
  const shown = search.q ?? "";
  const [text, setText] = useState(shown);
  const [before, setBefore] = useState(shown);
  // The address changed by other means, as with Back.
  if (shown !== before) {
    setBefore(shown);
    if (shown !== text.trim()) setText(shown);
  }
  useEffect(() => {
    if (text.trim() === shown) return;
    const timer = setTimeout(() => onChange({ q: text.trim() || undefined }, true), REST_MS);
    return () => clearTimeout(timer);
  });
  return (
    <div className={styles.filter}>
      <Search size={14} aria-hidden />
      <input
        ref={inputRef}
        value={text}
        placeholder="Words of a conversation, or a thread id"
        aria-label="Find threads"
        spellCheck={false}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") event.currentTarget.blur();
        }}
      />
      {search.user ? (
        <span className={styles.chip}>
          <UserRound size={12} aria-hidden />
          <span className="ellipsis">{shownValue(search.user)}</span>
          <button
            type="button"
            aria-label={`All users, not only ${shownValue(search.user)}`}
            onClick={() => onChange({ user: undefined })}
          >
            <X size={12} aria-hidden />
          </button>
        </span>
      ) : null}
      <Button
        pressed={search.failed === true}
        icon={<TriangleAlert size={13} aria-hidden />}
        title="Only threads in which a turn failed  X"
        onClick={() => onChange({ failed: search.failed ? undefined : true })}
      >
        With failures
      </Button>
    </div>
  );
}
