import { ChevronRight } from "lucide-react";
import { useContext, useMemo, useState } from "react";
import type { Part } from "@/lib/api/types";
import { formatBytes, formatInt } from "@/lib/format";
import { Button } from "@/components/Button";
import { JsonView } from "@/components/JsonView";
import { Markdown } from "@/components/Markdown";
import { jsonIn, LongText } from "@/components/PayloadView";
import { MediaView } from "./MediaView";
import styles from "./Chat.module.css";
import { SourceContext } from "./source";

/** A longer text starts with its beginning: a pasted book must not push the answer off the screen. */
const FIRST_CHARS = 12_000;
const MEDIA = new Set(["image", "audio", "video", "file"]);

/** One part of a message. Types that are not known are shown as what they are: JSON. */
export function PartView({ part }: { part: Part }) {
  if (part.type === "text" && typeof part.text === "string") return <TextPart text={part.text} />;
  if (part.type === "reasoning" && typeof part.text === "string") return <Reasoning text={part.text} />;
  if (MEDIA.has(part.type) && (part.url || part.data)) return <MediaView part={part} />;
  if (part.type === "tool_result") return <ToolResult content={part.content} />;
  return <Tree data={part} />;
}

const Tree = ({ data }: { data: unknown }) => (
  <div className={styles.tree}>
    <JsonView data={data} maxHeight={320} />
  </div>
);

function ToolResult({ content }: { content: unknown }) {
  if (typeof content === "string") return <TextPart text={content} />;
  if (Array.isArray(content)) return content.map((part, index) => <PartView key={index} part={part as Part} />);
  return <Tree data={content} />;
}

function TextPart({ text }: { text: string }) {
  const [all, setAll] = useState(false);
  const source = useContext(SourceContext);
  const parsed = useMemo(() => jsonIn(text), [text]);
  if (source) return <LongText text={text} />;
  if (parsed !== undefined) return <Tree data={parsed} />;
  const cut = !all && text.length > FIRST_CHARS;
  return (
    <>
      <Markdown text={cut ? text.slice(0, FIRST_CHARS) : text} />
      {cut ? (
        <span>
          <Button onClick={() => setAll(true)}>
            First {formatBytes(FIRST_CHARS)} of {formatBytes(text.length)}: show all
          </Button>
        </span>
      ) : null}
    </>
  );
}

function Reasoning({ text }: { text: string }) {
  const [open, setOpen] = useState(false);
  return (
    <div className={styles.reasoning}>
      <button type="button" className={styles.summary} aria-expanded={open} onClick={() => setOpen(!open)}>
        <ChevronRight size={11} aria-hidden />
        Reasoning, {formatInt(text.length)} characters
      </button>
      {open ? <Markdown text={text} /> : null}
    </div>
  );
}
