import {
  cloneElement,
  type HTMLAttributes,
  type ReactElement,
  type ReactNode,
  useEffect,
  useId,
  useState,
} from "react";
import { createPortal } from "react-dom";
import styles from "./Tip.module.css";

/** Resting the pointer asks for it, passing over does not. */
const DELAY_MS = 200;
const GAP = 3;
const EDGE = 8;

interface Props {
  /** One button-like element, whose own name already says what the tip says. */
  trigger: ReactElement<HTMLAttributes<HTMLElement>>;
  children: ReactNode;
}

/** A few words over a mark, while it is pointed at or focused. */
export function Tip({ trigger, children }: Props) {
  const id = useId();
  const [at, setAt] = useState<DOMRect | null>(null);
  const [resting, setResting] = useState<Element | null>(null);
  useEffect(() => {
    if (!resting) return;
    const timer = setTimeout(() => setAt(resting.getBoundingClientRect()), DELAY_MS);
    return () => clearTimeout(timer);
  }, [resting]);
  const hide = () => {
    setResting(null);
    setAt(null);
  };
  useEffect(() => {
    if (!at) return;
    // It hangs on a place of the screen, which scrolling moves.
    const onKey = (event: KeyboardEvent) => event.key === "Escape" && hide();
    addEventListener("scroll", hide, { capture: true, passive: true });
    addEventListener("keydown", onKey, { capture: true });
    return () => {
      removeEventListener("scroll", hide, { capture: true });
      removeEventListener("keydown", onKey, { capture: true });
    };
  }, [at]);
  return (
    <>
      {cloneElement(trigger, {
        "aria-describedby": at ? id : undefined,
        onPointerEnter: (event) => setResting(event.currentTarget),
        onPointerLeave: hide,
        onFocus: (event) => setAt(event.currentTarget.getBoundingClientRect()),
        onBlur: hide,
      })}
      {at
        ? createPortal(
            <div ref={(element) => place(element, at)} id={id} role="tooltip" className={styles.tip}>
              {children}
            </div>,
            document.body,
          )
        : null}
    </>
  );
}

/** Above the mark where there is room, else below; never over the edge of the window. */
function place(element: HTMLElement | null, at: DOMRect): void {
  if (!element) return;
  const { width, height } = element.getBoundingClientRect();
  const left = Math.min(Math.max(EDGE, at.left + at.width / 2 - width / 2), innerWidth - width - EDGE);
  const above = at.top - GAP - height;
  element.style.left = `${left}px`;
  element.style.top = `${above < EDGE ? at.bottom + GAP : above}px`;
}
