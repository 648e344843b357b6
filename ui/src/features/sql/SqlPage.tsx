import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { Database, Download, Play } from "lucide-react";
import { type KeyboardEvent, useRef, useState } from "react";
import { ApiError, messageOf } from "@/lib/api/client";
import { askSql, downloadCsv } from "@/lib/api/sql";
import { keyLabel } from "@/lib/keys";
import { useTitle } from "@/lib/title";
import { saveFile } from "@/lib/save-file";
import { Button } from "@/components/Button";
import { EmptyState } from "@/components/Notice";
import { Page, PageBar } from "@/components/PageBar";
import { example } from "./cell";
import { Grid } from "./Grid";
import { Schema } from "./Schema";
import styles from "./SqlPage.module.css";

const route = getRouteApi("/p/$project/sql");

export function SqlPage() {
  const { project } = route.useParams();
  const { q } = route.useSearch();
  const navigate = route.useNavigate();
  const [text, setText] = useState(q ?? example(project));
  const [runs, setRuns] = useState(0);
  const editor = useRef<HTMLTextAreaElement>(null);
  useTitle(`SQL on ${project}`);
  const query = useQuery({
    queryKey: ["sql", q, runs],
    queryFn: async ({ signal }) => {
      const begun = performance.now();
      const answer = await askSql(q ?? "", signal);
      return { ...answer, ms: performance.now() - begun };
    },
    enabled: q !== undefined && runs > 0,
    retry: false,
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
  const start = () => {
    setRuns((old) => old + 1);
    void navigate({ search: { q: text } });
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      start();
    }
  };
  const insert = (name: string) => {
    const box = editor.current;
    if (!box) return;
    const [from, to] = [box.selectionStart, box.selectionEnd];
    setText((old) => old.slice(0, from) + name + old.slice(to));
    box.focus();
  };
  return (
    <Page busy={query.isFetching}>
      <PageBar
        project={project}
        current="SQL"
        actions={
          <>
            {query.data ? <SaveCsv statement={q ?? ""} /> : null}
            <Button look="primary" icon={<Play size={13} aria-hidden />} onClick={start} title={keyLabel("Mod+Enter")}>
              Run
            </Button>
          </>
        }
      />
      <div className={styles.body}>
        <Schema onPick={insert} />
        <section className={styles.work}>
          <textarea
            ref={editor}
            className={styles.editor}
            aria-label="Statement"
            spellCheck={false}
            autoCapitalize="off"
            rows={Math.min(14, Math.max(7, text.split("\n").length + 1))}
            value={text}
            onChange={(event) => setText(event.target.value)}
            onKeyDown={onKey}
          />
          {query.isError ? (
            <Problem error={query.error} statement={q ?? ""} />
          ) : query.data ? (
            <Grid answer={query.data} ms={query.data.ms} />
          ) : (
            <EmptyState icon={<Database size={24} aria-hidden />} title="Ask your runs">
              <p>
                Write a statement and press {keyLabel("Mod+Enter")}. It sees all projects of the workspace, and can
                change nothing.
              </p>
            </EmptyState>
          )}
        </section>
      </div>
    </Page>
  );
}

/** What the server said, with the part of the statement that it means. */
function Problem({ error, statement }: { error: unknown; statement: string }) {
  const at = error instanceof ApiError ? error.position : null;
  // Positions count bytes.
  const bytes = new TextEncoder().encode(statement);
  const part = (from: number, to?: number) => new TextDecoder().decode(bytes.slice(from, to));
  return (
    <div className={styles.problem} role="alert">
      <p>{messageOf(error)}</p>
      {at ? (
        <pre>
          {part(0, at.start)}
          <mark>{part(at.start, at.end) || " "}</mark>
          {part(at.end)}
        </pre>
      ) : null}
    </div>
  );
}

function SaveCsv({ statement }: { statement: string }) {
  const [state, setState] = useState<"idle" | "busy" | "failed">("idle");
  const save = async () => {
    setState("busy");
    try {
      saveFile(await downloadCsv(statement), "answer.csv");
      setState("idle");
    } catch {
      setState("failed");
    }
  };
  return (
    <Button icon={<Download size={13} aria-hidden />} disabled={state === "busy"} onClick={() => void save()}>
      {state === "failed" ? "CSV failed" : "CSV"}
    </Button>
  );
}
