import { ExternalLink, FileText } from "lucide-react";
import { useEffect, useMemo, useState } from "react";
import type { Part } from "@/lib/api/types";
import { formatBytes } from "@/lib/format";
import { showTurns } from "@/lib/visible-text";
import { Button } from "@/components/Button";
import styles from "./Chat.module.css";

const DATA_URL = /^data:([^;,]+)?(;base64)?,/;

/** Media that came inside the message is shown; media elsewhere is only linked, and never loaded by itself. */
export function MediaView({ part }: { part: Part }) {
  const url = part.url;
  if (url && !DATA_URL.test(url)) return <External kind={part.type} url={url} />;
  const data = part.data ?? url?.slice(url.indexOf(",") + 1) ?? "";
  const mime = part.mime_type ?? DATA_URL.exec(url ?? "")?.[1] ?? "application/octet-stream";
  if (part.type === "image" && /^image\/(?:png|jpe?g|gif|webp|avif|bmp)$/.test(mime))
    return <Picture mime={mime} data={data} />;
  return <Embedded kind={part.type} mime={mime} data={data} />;
}

const bytesIn = (base64: string): number => Math.floor((base64.length * 3) / 4);

function Picture({ mime, data }: { mime: string; data: string }) {
  const [size, setSize] = useState("");
  const [failed, setFailed] = useState(false);
  if (failed) return <Embedded kind="image" mime={mime} data={data} />;
  return (
    <div className={styles.media}>
      <img
        src={`data:${mime};base64,${data}`}
        alt="Sent in this message"
        onLoad={(event) => setSize(`${event.currentTarget.naturalWidth} × ${event.currentTarget.naturalHeight}`)}
        onError={() => setFailed(true)}
      />
      <span>
        {mime.slice(6)}
        <br />
        {size}
        <br />
        {formatBytes(bytesIn(data))}
      </span>
    </div>
  );
}

function External({ kind, url }: { kind: string; url: string }) {
  const web = /^https?:\/\//i.test(url);
  return (
    <div className={styles.media}>
      <ExternalLink size={16} aria-hidden />
      <span>{kind}</span>
      {web ? (
        <a href={url} target="_blank" rel="noopener noreferrer nofollow" title={`Opens ${showTurns(url)} in a new tab`}>
          {showTurns(url)}
        </a>
      ) : (
        <span className="ellipsis">{showTurns(url)}</span>
      )}
    </div>
  );
}

/** Audio and video with the browser's controls, anything else to save. Decoded only when asked for. */
function Embedded({ kind, mime, data }: { kind: string; mime: string; data: string }) {
  const [open, setOpen] = useState(false);
  const blob = useMemo(() => (open ? toBlobUrl(data, mime) : null), [open, data, mime]);
  useEffect(() => () => void (blob && URL.revokeObjectURL(blob)), [blob]);
  const playable = /^(?:audio|video)\//.test(mime);
  return (
    <div className={styles.media}>
      <FileText size={16} aria-hidden />
      <span>
        {kind} · {showTurns(mime)} · {formatBytes(bytesIn(data))}
      </span>
      <span className="grow" />
      {blob === null ? <Button onClick={() => setOpen(true)}>{playable ? "Play" : "Save"}</Button> : null}
      {blob !== null && mime.startsWith("audio/") ? (
        <audio src={blob} controls aria-label="Sent in this message" />
      ) : null}
      {blob !== null && mime.startsWith("video/") ? (
        <video src={blob} controls width={280} aria-label="Sent in this message" />
      ) : null}
      {blob !== null && !playable ? (
        <a href={blob} download={`${kind}.${mime.split("/")[1]?.replace(/\W.*$/, "") ?? "bin"}`}>
          Save file
        </a>
      ) : null}
    </div>
  );
}

function toBlobUrl(base64: string, mime: string): string {
  const binary = atob(base64.replaceAll(/\s/g, ""));
  return URL.createObjectURL(new Blob([Uint8Array.from(binary, (char) => char.charCodeAt(0))], { type: mime }));
}
