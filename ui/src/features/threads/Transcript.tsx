import { useEffect, useLayoutEffect, useMemo, useRef } from "react";
import type { Feedback, FeedbackConfig } from "@/lib/api/feedback";
import { isAbout } from "@/lib/api/feedback";
import type { TraceRow } from "@/lib/api/types";
import styles from "./ThreadPage.module.css";
import { TurnView } from "./TurnView";
import { useWatch, WatchContext } from "./useNear";

interface Props {
  project: string;
  turns: TraceRow[];
  selected: number;
  tools: boolean;
  feedback: Feedback[];
  configs: FeedbackConfig[];
  onSelect: (index: number) => void;
  /** Where j and k act. */
  id: string;
}

const NONE: Feedback[] = [];
/** Room above the selected turn, so that one sees that something comes before it. */
const ABOVE_PX = 56;

/** The conversation. Only turns near the view have content; the selected one stays where it is while others load. */
export function Transcript({ project, turns, selected, tools, feedback, configs, onSelect, id }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const watch = useWatch(box);
  const pinned = useRef(true);
  const target = useRef(-1);
  const byRun = useMemo(() => {
    const found = new Map<string, Feedback[]>();
    for (const one of feedback) if (one.run_id) found.set(one.run_id, [...(found.get(one.run_id) ?? []), one]);
    return found;
  }, [feedback]);
  const feedbackOf = (turn: TraceRow): Feedback[] => {
    const found = byRun.get(turn.root_run_id);
    return found?.every((one) => isAbout(one, turn.trace_id, turn.root_run_id)) ? found : NONE;
  };
  const show = (): void => {
    const turn = list.current?.children[target.current] as HTMLElement | undefined;
    if (box.current && turn) box.current.scrollTop = turn.offsetTop - (target.current === 0 ? 20 : ABOVE_PX);
  };
  useLayoutEffect(() => {
    if (target.current === selected) return;
    const byHand = target.current >= 0 && isSeen(box.current, list.current?.children[selected]);
    target.current = selected;
    // A turn that was clicked is where the eye is.
    pinned.current = !byHand;
    if (pinned.current) show();
  }, [selected]);
  useEffect(() => {
    if (!list.current) return;
    // What loads above would push the selected turn away.
    const observer = new ResizeObserver(() => {
      if (pinned.current) show();
    });
    observer.observe(list.current);
    return () => observer.disconnect();
  }, []);
  const release = () => {
    pinned.current = false;
  };
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- listens to what else scrolls, does nothing itself
    <div
      ref={box}
      id={id}
      className={styles.transcript}
      onWheel={release}
      onPointerDown={release}
      onTouchMove={release}
      onKeyDown={release}
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a region that scrolls has to be reachable
      tabIndex={0}
      role="region"
      aria-label="Conversation"
    >
      <WatchContext value={watch}>
        <div ref={list} className={styles.turns}>
          {turns.map((turn, index) => (
            <TurnView
              key={turn.trace_id}
              project={project}
              turn={turn}
              index={index}
              selected={index === selected}
              tools={tools}
              feedback={feedbackOf(turn)}
              configs={configs}
              onSelect={onSelect}
            />
          ))}
        </div>
      </WatchContext>
    </div>
  );
}

/** Entirely on screen, or filling it. */
function isSeen(box: Element | null, turn: Element | undefined): boolean {
  if (!box || !turn) return false;
  const [outer, inner] = [box.getBoundingClientRect(), turn.getBoundingClientRect()];
  return inner.top >= outer.top && (inner.bottom <= outer.bottom || inner.top < outer.top + outer.height / 3);
}
