import { ChevronRight, Link2, ScanSearch, TriangleAlert, X } from "lucide-react";
import { Fragment, type KeyboardEvent, type ReactNode, useEffect, useRef } from "react";
import { originOf } from "@/lib/api/explain";
import type { Run } from "@/lib/api/types";
import { cx } from "@/lib/cx";
import { errorText } from "@/lib/error-text";
import { Bones } from "@/components/Bones";
import { IconButton } from "@/components/Button";
import { copyText } from "@/components/CopyButton";
import { ErrorState } from "@/components/Notice";
import { SentText } from "@/components/SentText";
import { Pill } from "@/components/Tag";
import { TypeIcon, typeLook } from "@/components/TypeIcon";
import { ancestorsOf, ERROR, errorOf, keyOf, nameOf, PENDING, typeOf } from "../model/types";
import { countOf } from "../model/feedback";
import type { TraceState } from "../state/useTraceState";
import styles from "./Detail.module.css";
import { Doubles } from "./Doubles";
import { Explain, From, useInlineSources } from "./From";
import { Issues } from "./Issues";
import { Kpis } from "./Kpis";
import { TabContent } from "./TabContent";
import { type Tab, type TabId, tabsOf } from "./tabs";
import { useRun } from "./useRun";
import { Warnings } from "./Warnings";

interface Props {
  state: TraceState;
  /** Lies over the grid and can be closed. */
  sheet: boolean;
  onClose: () => void;
}

/** Everything about the selected span. The head comes from the skeleton, so it follows the selection at once. */
export function Detail({ state, sheet, onClose }: Props) {
  const { model: t, selected: i } = state;
  const { run, pending, error, retry } = useRun(t, i);
  const tabs = tabsOf(t, i, run);
  const current = tabs.find((tab) => tab.id === state.tab) ?? tabs[0];
  const [inline, flipInline] = useInlineSources();
  const scroll = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (scroll.current) scroll.current.scrollTop = 0;
  }, [i, current.id]);
  // A breakdown needs no payload; everything else waits for it.
  const needsRun = current.id !== "breakdown";
  return (
    <section className={cx(styles.detail, sheet && styles.sheet)} aria-label="Span details" data-details>
      <Explain run={run} inline={inline}>
        <Head state={state} sheet={sheet} onClose={onClose}>
          {Object.keys(originOf(run).sources ?? {}).length > 0 ? (
            <IconButton label="Show where each field comes from" keyHint="S" pressed={inline} onClick={flipInline}>
              <ScanSearch size={14} aria-hidden />
            </IconButton>
          ) : null}
        </Head>
        <ErrorBox state={state} run={run} />
        <Doubles state={state} run={run} />
        <Warnings t={t} i={i} run={run} />
        <Issues run={run} />
        <Kpis t={t} i={i} run={run} />
        <TabList
          tabs={tabs}
          current={current.id}
          feedback={countOf(t, i)}
          onPick={(tab) => state.url.set({ tab, path: undefined })}
        />
        <div className={styles.scroll} ref={scroll} role="tabpanel" aria-label={current.label} tabIndex={0}>
          {needsRun && error && !run ? (
            <ErrorState title="This span could not be loaded" error={error} onRetry={retry} />
          ) : needsRun && !run ? (
            pending ? (
              <Bones count={3} height={72} className={styles.bones} />
            ) : null
          ) : (
            <TabContent tab={current.id} state={state} run={run} />
          )}
        </div>
      </Explain>
    </section>
  );
}

function Head({ state, sheet, onClose, children }: Props & { children: ReactNode }) {
  const { model: t, selected: i, select } = state;
  const type = typeOf(t, i);
  const copyLink = () => {
    const link = new URL(location.href);
    link.searchParams.set("span", keyOf(t, i));
    void copyText(link.href);
  };
  return (
    <div className={styles.head}>
      <div className={styles.line}>
        <TypeIcon type={type} large />
        <h2 title={nameOf(t, i)}>
          <bdi>{nameOf(t, i)}</bdi>
          {t.members[i] > 0 ? ` ×${t.members[i]}` : ""}
        </h2>
        <From field="name" />
        {t.status[i] === ERROR ? (
          <Pill tone="err">
            <TriangleAlert size={11} aria-hidden />
            Error
          </Pill>
        ) : t.status[i] === PENDING ? (
          <Pill>Running</Pill>
        ) : null}
        <span className="grow" />
        {children}
        <IconButton label="Copy link to the span" keyHint="Y" onClick={copyLink}>
          <Link2 size={14} aria-hidden />
        </IconButton>
        {sheet ? (
          <IconButton label="Close details" keyHint="Esc" onClick={onClose}>
            <X size={15} aria-hidden />
          </IconButton>
        ) : null}
      </div>
      <nav className={styles.path} aria-label="Ancestors">
        {ancestorsOf(t, i)
          .slice(-4)
          .map((p) => (
            <Fragment key={p}>
              <button type="button" onClick={() => select(p)}>
                {nameOf(t, p)}
              </button>
              <ChevronRight size={10} aria-hidden />
            </Fragment>
          ))}
        <span>{typeLook(type).label}</span>
        <From field="run_type" />
      </nav>
    </div>
  );
}

/** The whole error when the payload is here, its first line before. */
function ErrorBox({ state: { model: t, selected: i }, run }: { state: TraceState; run: Run | undefined }) {
  if (t.status[i] !== ERROR) return null;
  const text = run?.error ?? errorOf(t, i) ?? "";
  const { title, rest } = errorText(text, run?.error_type);
  return (
    <div className={styles.error} role="alert">
      <b>
        <TriangleAlert size={13} aria-hidden />
        <span>
          <SentText text={title} />
        </span>
        <From field={run?.error_type ? ["error_type", "error", "status"] : ["error", "status"]} />
      </b>
      {rest ? (
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a region that scrolls has to be reachable
        <pre tabIndex={0}>
          <SentText text={rest} />
        </pre>
      ) : null}
    </div>
  );
}

interface TabListProps {
  tabs: Tab[];
  current: TabId;
  /** How much there is. */
  feedback: number;
  onPick: (tab: TabId) => void;
}

function TabList({ tabs, current, feedback, onPick }: TabListProps) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [current]);
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = tabs.findIndex((tab) => tab.id === current);
    const next = (at + step + tabs.length) % tabs.length;
    onPick(tabs[next].id);
    (event.currentTarget.children[next] as HTMLElement).focus();
  };
  return (
    <div ref={list} className={styles.tabs} role="tablist" aria-label="Span details" onKeyDown={onKeyDown}>
      {tabs.map((tab, index) => (
        <button
          key={tab.id}
          type="button"
          role="tab"
          aria-selected={tab.id === current}
          tabIndex={tab.id === current ? 0 : -1}
          title={`${tab.label}  ⌥${index + 1}`}
          onClick={() => onPick(tab.id)}
        >
          {tab.label}
          {tab.id === "feedback" && feedback > 0 ? <small>{feedback}</small> : null}
        </button>
      ))}
    </div>
  );
}
