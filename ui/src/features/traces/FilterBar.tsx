//! The filter as text and chips: complete terms become chips, the term being typed stays text with suggestions.

import { Search, X } from "lucide-react";
import { type KeyboardEvent, type RefObject, useEffect, useId, useMemo, useRef, useState } from "react";
import { isBadFilter } from "@/lib/api/client";
import type { Facet } from "@/lib/api/types";
import { cx } from "@/lib/cx";
import { useMediaQuery } from "@/lib/media";
import { shownValue } from "@/lib/visible-text";
import { Keys } from "@/components/Keys";
import { accept, beginsField, suggest, whileTyping } from "./completion";
import styles from "./FilterBar.module.css";
import { isComplete, joinTerms, splitTerms, wordLikeJoiner } from "./filter";

/** Typing settles this long before the list follows. */
const SETTLE_MS = 250;
const narrow = matchMedia("(max-width: 1099px)");

interface Props {
  value: string;
  /** `typing`: the same entry of the history may be overwritten. */
  onChange: (filter: string, typing: boolean) => void;
  facets: readonly Facet[];
  /** The server's answer when it cannot read the filter. */
  error: unknown;
  inputRef: RefObject<HTMLInputElement | null>;
  children: React.ReactNode;
}

export function FilterBar({ value, onChange, facets, error, inputRef, children }: Props) {
  const { chips, draft, setDraft, commit, remove, edit, pop } = useDraft(value, onChange);
  const [caret, setCaret] = useState(0);
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const listId = useId();
  const hintNeeded = !useMediaQuery(narrow);
  const suggestions = useMemo(() => (open ? suggest(draft, caret, facets) : []), [open, draft, caret, facets]);
  const bad = isBadFilter(error) ? error : null;

  const type = (text: string, at: number, typing = true) => {
    setCaret(at);
    setActive(-1);
    setOpen(true);
    setDraft(text, typing);
  };
  const take = (index: number) => {
    const next = accept(draft, caret, suggestions[index]);
    type(next.text, next.caret);
    if (suggestions[index].whole) commit(next.text);
    else requestAnimationFrame(() => inputRef.current?.setSelectionRange(next.caret, next.caret));
  };
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move && (suggestions.length > 0 || !open)) {
      event.preventDefault();
      setOpen(true);
      const count = suggestions.length;
      if (count > 0) setActive((at) => (move > 0 ? (at + 1) % count : (at <= 0 ? count : at) - 1));
    } else if ((event.key === "Enter" || event.key === "Tab") && active >= 0 && suggestions[active]) {
      event.preventDefault();
      take(active);
    } else if (event.key === "Enter") {
      commit(draft);
      setOpen(false);
    } else if (event.key === "Escape") {
      event.preventDefault();
      if (open && suggestions.length > 0) setOpen(false);
      else inputRef.current?.blur();
    } else if (event.key === "Backspace" && draft === "" && chips.length > 0) {
      event.preventDefault();
      const text = pop();
      setCaret(text.length);
    }
  };
  return (
    <div className={styles.wrap}>
      <div className={cx(styles.bar, bad && styles.bad)} role="search">
        <Search size={14} aria-hidden />
        {chips.map((chip, index) => (
          // oxlint-disable-next-line react/no-array-index-key -- equal chips differ by their place only
          <span key={index} className={styles.chip}>
            <button
              type="button"
              className={styles.chipText}
              title={`Edit ${chip}`}
              onClick={() => {
                edit(index);
                inputRef.current?.focus();
              }}
            >
              <ChipText text={chip} />
            </button>
            <button
              type="button"
              className={styles.drop}
              aria-label={`Remove filter ${chip}`}
              onClick={() => remove(index)}
            >
              <X size={11} aria-hidden />
            </button>
          </span>
        ))}
        <input
          ref={inputRef}
          value={draft}
          aria-label="Filter"
          role="combobox"
          aria-expanded={suggestions.length > 0}
          aria-controls={listId}
          aria-autocomplete="list"
          aria-activedescendant={active >= 0 ? `${listId}-${active}` : undefined}
          aria-invalid={bad !== null}
          autoComplete="off"
          spellCheck={false}
          placeholder={
            chips.length > 0
              ? ""
              : hintNeeded
                ? 'Search all text, or filter: refund "a phrase" /regex/ status:error cost:>0.50'
                : "Search"
          }
          onChange={(event) => type(event.target.value, event.target.selectionStart ?? event.target.value.length)}
          onSelect={(event) => setCaret(event.currentTarget.selectionStart ?? 0)}
          onFocus={() => setOpen(true)}
          onBlur={() => {
            setOpen(false);
            // As it was asked last: the list must not change when the box is left.
            commit(whileTyping(draft));
          }}
          onKeyDown={onKeyDown}
        />
        <Keys name="/" />
        {children}
      </div>
      <div
        id={listId}
        role="listbox"
        aria-label="Suggestions"
        className={styles.list}
        hidden={suggestions.length === 0}
      >
        {suggestions.map((item, index) => (
          <div
            key={item.insert}
            id={`${listId}-${index}`}
            role="option"
            aria-selected={index === active}
            className={styles.option}
            // Before blur, which would close the list.
            onPointerDown={(event) => {
              event.preventDefault();
              take(index);
            }}
          >
            <span className="mono">{shownValue(item.label)}</span>
            <span className={styles.hint}>{item.hint}</span>
          </div>
        ))}
      </div>
      {bad ? (
        <p className={styles.error} role="alert">
          {bad.message}
          <Where filter={value} position={bad.position} />
        </p>
      ) : (
        <JoinerHint filter={value} />
      )}
    </div>
  );
}

function ChipText({ text }: { text: string }) {
  const match = /^(-?)([a-z_.]+)([:~])(.+)$/s.exec(text);
  if (!match) return <b>{text}</b>;
  return (
    <>
      {match[1] ? <span className={styles.not}>not </span> : null}
      {match[2]}
      {match[3] === "~" ? " contains " : " "}
      <b>{match[4]}</b>
    </>
  );
}

/** Says that `or` and `and` in small letters are looked for like any other word. */
function JoinerHint({ filter }: { filter: string }) {
  const word = useMemo(() => wordLikeJoiner(filter), [filter]);
  if (word === null) return null;
  return (
    <p className={styles.note} role="status">
      <code>{word}</code> is searched as a word;{" "}
      {word === "or" ? (
        <>
          write <code>OR</code> for one or the other
        </>
      ) : (
        "terms beside each other must all hold without it"
      )}
      , or put a phrase in quotes.
    </p>
  );
}

function Where({ filter, position }: { filter: string; position: { start: number; end: number } | null }) {
  if (!position || position.end <= position.start) return null;
  return (
    <code>
      {filter.slice(Math.max(0, position.start - 20), position.start)}
      <mark>{filter.slice(position.start, position.end)}</mark>
      {filter.slice(position.end, position.end + 20)}
    </code>
  );
}

/** Chips and draft for a filter in the URL. Typing overwrites one entry of the history, so Back is the place before. */
function useDraft(value: string, onChange: Props["onChange"]) {
  const [state, setState] = useState({ chips: splitTerms(value).map((term) => term.text), draft: "" });
  const written = useRef(value);
  const typing = useRef(false);
  const timer = useRef(0);
  // The address changed by itself: Back, a facet, a link.
  useEffect(() => {
    if (value === written.current) return;
    written.current = value;
    window.clearTimeout(timer.current);
    setState({ chips: splitTerms(value).map((term) => term.text), draft: "" });
  }, [value]);
  useEffect(() => () => window.clearTimeout(timer.current), []);

  const write = (chips: string[], draft: string) => {
    window.clearTimeout(timer.current);
    const filter = joinTerms([...chips, draft.trim()].map((text) => ({ text })));
    if (filter === written.current) return;
    written.current = filter;
    onChange(filter, typing.current);
    typing.current = true;
  };
  const end = (chips: string[]) => {
    write(chips, "");
    typing.current = false;
  };
  return {
    ...state,
    setDraft: (draft: string, settle: boolean) => {
      setState((old) => ({ ...old, draft }));
      window.clearTimeout(timer.current);
      if (settle && isComplete(draft) && !beginsField(draft))
        timer.current = window.setTimeout(() => write(state.chips, whileTyping(draft)), SETTLE_MS);
    },
    commit: (draft: string) => {
      if (draft.trim() === "") {
        end(state.chips);
        return;
      }
      const chips = [...state.chips, ...splitTerms(draft).map((term) => term.text)];
      setState({ chips, draft: "" });
      end(chips);
    },
    remove: (index: number) => {
      const chips = state.chips.filter((_, i) => i !== index);
      setState({ chips, draft: state.draft });
      end(chips);
    },
    edit: (index: number) => {
      const text = state.chips[index];
      setState({ chips: state.chips.filter((_, i) => i !== index), draft: text });
    },
    pop: (): string => {
      const text = state.chips.at(-1) ?? "";
      setState({ chips: state.chips.slice(0, -1), draft: text });
      return text;
    },
  };
}
