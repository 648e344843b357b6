import { Link } from "@tanstack/react-router";
import { File, Link2 } from "lucide-react";
import { useState } from "react";
import { formatBytes } from "@/lib/format";
import { Code } from "@/components/Code";
import { Markdown } from "@/components/Markdown";
import styles from "./FilesView.module.css";
import type { PromptFile } from "./manifest";

const LANGUAGES: Record<string, string> = { json: "json", py: "python" };

/** The files of an agent or skill, one of them open. */
export function FilesView({ project, files }: { project: string; files: PromptFile[] }) {
  const [path, setPath] = useState<string | null>(null);
  const file = files.find((one) => one.path === path) ?? files[0];
  if (!file) return <p className={styles.none}>This version has no files.</p>;
  return (
    <div className={styles.files}>
      <ul aria-label="Files">
        {files.map((one) => (
          <li key={one.path}>
            <button type="button" aria-current={one === file} onClick={() => setPath(one.path)}>
              {one.link ? <Link2 size={13} aria-hidden /> : <File size={13} aria-hidden />}
              <span className="ellipsis" title={one.path}>
                {one.path}
              </span>
              <span className={styles.size}>
                {one.content === null ? one.link?.kind : formatBytes(one.content.length)}
              </span>
            </button>
          </li>
        ))}
      </ul>
      <div className={styles.file}>
        {file.link ? (
          <p>
            A link to the {file.link.kind}{" "}
            <Link to="/p/$project/prompts/$name" params={{ project, name: file.link.name }}>
              {file.link.name}
            </Link>
          </p>
        ) : file.content === null ? (
          <p>This file has no text.</p>
        ) : file.path.endsWith(".md") ? (
          <Markdown text={file.content} />
        ) : (
          <Code code={file.content} lang={LANGUAGES[file.path.split(".").at(-1) ?? ""]} />
        )}
      </div>
    </div>
  );
}
