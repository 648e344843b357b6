import { lazy, type ReactNode, Suspense } from "react";

// Nobody opens a dialog before the page is there: its code stays out of the first load.
const Body = lazy(() => import("./DialogBody"));

export interface DialogProps {
  title: string;
  /** Hide the heading when the content says it; it stays the accessible name. */
  hideTitle?: boolean;
  width?: number;
  onClose: () => void;
  children: ReactNode;
}

/** A modal dialog. Mount it to open it. */
export function Dialog(props: DialogProps) {
  return (
    <Suspense>
      <Body {...props} />
    </Suspense>
  );
}
