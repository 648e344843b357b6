import temml from "temml";
import { useLayoutEffect, useRef, useState } from "react";

/** TeX as MathML: no fonts, no inline styles, so it passes the content security policy. */
export default function Maths({ tex, block }: { tex: string; block?: boolean }) {
  const ref = useRef<HTMLSpanElement>(null);
  const [failed, setFailed] = useState(false);
  useLayoutEffect(() => {
    if (!ref.current) return;
    try {
      temml.render(tex, ref.current, { displayMode: block, throwOnError: true, trust: false });
    } catch {
      setFailed(true);
    }
  }, [tex, block]);
  return failed ? <code>{tex}</code> : <span ref={ref} />;
}
