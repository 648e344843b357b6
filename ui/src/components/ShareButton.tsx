import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ExternalLink, Share2 } from "lucide-react";
import { useState } from "react";
import { messageOf } from "@/lib/api/client";
import { share, type Shareable, shareKey, sharedPage, shareQuery, unshare } from "@/lib/api/sharing";
import { Button } from "./Button";
import { CopyButton } from "./CopyButton";
import { Popover } from "./Popover";
import styles from "./ShareButton.module.css";

interface Props {
  what: Shareable;
  /** What the reader will see, as the end of “Whoever has the link reads …”. */
  reads: string;
}

/** Makes a link that needs no key, copies it, and takes it back. */
export function ShareButton({ what, reads }: Props) {
  const [open, setOpen] = useState(false);
  return (
    <Popover
      label="Share"
      align="end"
      open={open}
      onOpenChange={setOpen}
      trigger={<Button icon={<Share2 size={13} aria-hidden />}>Share</Button>}
    >
      {open ? <Panel what={what} reads={reads} /> : null}
    </Popover>
  );
}

function Panel({ what, reads }: Props) {
  const client = useQueryClient();
  const shared = useQuery(shareQuery(what));
  const set = (token: string | null) => client.setQueryData(shareKey(what), token);
  const make = useMutation({ mutationFn: () => share(what), onSuccess: set });
  const stop = useMutation({ mutationFn: () => unshare(what), onSuccess: () => set(null) });
  const error = shared.error ?? make.error ?? stop.error;
  const token = shared.data;
  return (
    <div className={styles.panel}>
      <p>
        {token ? "Whoever has this link reads " : "A link that needs no key. Whoever has it reads "}
        <b>{reads}</b>, and can change nothing.
      </p>
      {token ? (
        <>
          <input
            readOnly
            aria-label="Link"
            className="mono"
            value={sharedPage(what.kind, token)}
            onFocus={(event) => event.currentTarget.select()}
          />
          <div className={styles.line}>
            <CopyButton text={() => sharedPage(what.kind, token)} label="Copy link" showLabel />
            <a className={styles.open} href={sharedPage(what.kind, token)} target="_blank" rel="noopener">
              Open <ExternalLink size={12} aria-hidden />
            </a>
            <span className="grow" />
            <Button look="ghost" disabled={stop.isPending} onClick={() => stop.mutate()}>
              Stop sharing
            </Button>
          </div>
        </>
      ) : (
        <div className={styles.line}>
          <Button look="primary" disabled={shared.isPending || make.isPending} onClick={() => make.mutate()}>
            Make a link
          </Button>
          {stop.isSuccess ? <span role="status">The link leads nowhere now.</span> : null}
        </div>
      )}
      {error ? (
        <p className={styles.failed} role="alert">
          {messageOf(error)}
        </p>
      ) : null}
    </div>
  );
}
