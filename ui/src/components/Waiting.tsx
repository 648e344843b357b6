import { ArrowUp } from "lucide-react";
import { useEffect, useState } from "react";
import { plural } from "@/lib/format";
import styles from "./Waiting.module.css";

/** “12 new”: rows that wait for the reader. Said aloud at most every five seconds. */
export function Waiting(props: { count: number; more?: boolean; noun: string; onShow: () => void }) {
  const { count, more = false, noun, onShow } = props;
  const [spoken, setSpoken] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setSpoken(count === 0 ? "" : plural(count, `new ${noun}`)), 5000);
    return () => clearTimeout(timer);
  }, [count, noun]);
  return (
    <>
      <span className="sr" role="status">
        {spoken}
      </span>
      {count > 0 ? (
        <button type="button" className={styles.pill} onClick={onShow}>
          <ArrowUp size={12} aria-hidden />
          {`${count}${more ? "+" : ""} new`}
        </button>
      ) : null}
    </>
  );
}
