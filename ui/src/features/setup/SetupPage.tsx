import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Play } from "lucide-react";
import { type KeyboardEvent, useRef } from "react";
import { messageOf } from "@/lib/api/client";
import { readKey } from "@/lib/api/auth";
import { infoQuery } from "@/lib/api/queries";
import { useTitle } from "@/lib/title";
import { Button } from "@/components/Button";
import { Page, PageBar } from "@/components/PageBar";
import { CodeBlock } from "./CodeBlock";
import styles from "./SetupPage.module.css";
import { addressFor, fillIn, type Snippet, SNIPPETS, type Target } from "./snippets";
import { useArrival } from "./useArrival";
import { useDemo } from "./useDemo";
import { Waiting } from "./Waiting";

/** The first page of a new server: how to send a trace, and a line that turns into it. */
export function SetupPage() {
  useTitle("Send traces");
  const { sdk } = useSearch({ from: "/setup" });
  const navigate = useNavigate();
  const info = useQuery(infoQuery());
  const { arrival, projects, offline } = useArrival();
  const demo = useDemo();
  const snippet = SNIPPETS.find((item) => item.id === sdk) ?? SNIPPETS[0];
  const target: Target = {
    url: info.data ? addressFor(location, info.data.http_url) : location.origin,
    key: info.data?.auth === "keys" ? (readKey() ?? "your-key") : null,
  };
  const first = projects === undefined || projects.every((project) => project.last_run_at === null);
  return (
    <Page>
      <PageBar
        current="Send traces"
        actions={
          <Button
            look="primary"
            disabled={demo.sending}
            icon={<Play size={13} aria-hidden />}
            onClick={demo.send}
            title="Sends a set of made-up traces through this server's own OTLP endpoint, into the project demo"
          >
            {demo.sending ? "Sending…" : "Send a demo trace"}
          </Button>
        }
      />
      <div className={styles.scroll}>
        <div className={styles.page}>
          <header className={styles.intro}>
            <h1>{first ? "Send your first trace" : "Send traces"}</h1>
            <p>
              Programs send to <code>{target.url}</code>. Nothing else has to be set up: a project is made when its
              first trace arrives, and the trace shows up here within a second.
            </p>
            {demo.error ? (
              <p className={styles.problem} role="alert">
                The demo could not be sent. {messageOf(demo.error)}
              </p>
            ) : null}
          </header>
          <Choice
            chosen={snippet}
            onChoose={(id) => void navigate({ to: "/setup", search: { sdk: id }, replace: true })}
          />
          <Steps snippet={snippet} target={target} />
          <Waiting arrival={arrival} first={first} offline={offline} />
        </div>
      </div>
    </Page>
  );
}

function Choice({ chosen, onChoose }: { chosen: Snippet; onChoose: (id: string) => void }) {
  const list = useRef<HTMLDivElement>(null);
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = (SNIPPETS.indexOf(chosen) + step + SNIPPETS.length) % SNIPPETS.length;
    onChoose(SNIPPETS[next].id);
    (list.current?.children[next] as HTMLElement | undefined)?.focus();
  };
  return (
    <div ref={list} className={styles.choice} role="radiogroup" aria-label="SDK" onKeyDown={onKeyDown}>
      {SNIPPETS.map((item) => (
        <button
          key={item.id}
          type="button"
          role="radio"
          aria-checked={item === chosen}
          tabIndex={item === chosen ? 0 : -1}
          onClick={() => onChoose(item.id)}
        >
          {item.name}
          <small>{item.language}</small>
        </button>
      ))}
    </div>
  );
}

function Steps({ snippet, target }: { snippet: Snippet; target: Target }) {
  return (
    <div className={styles.steps}>
      <p className={styles.about}>{snippet.about}</p>
      {snippet.setup ? (
        <CodeBlock title="1  Install, and point it at this server" text={fillIn(snippet.setup, target).trimEnd()} />
      ) : null}
      <CodeBlock
        title={snippet.setup ? `2  Save as ${snippet.file} and run: ${snippet.run}` : "Paste into a shell"}
        text={fillIn(snippet.code, target).trimEnd()}
        lang={snippet.language.toLowerCase()}
      />
      <p className={styles.note}>
        {snippet.callsModel ? (
          <>
            It calls a model: set <code>{snippet.callsModel}_API_KEY</code>, or{" "}
            <code>{snippet.callsModel}_BASE_URL</code> for any server that speaks the same API.
          </>
        ) : (
          "It calls no model, so it runs as it is."
        )}
      </p>
    </div>
  );
}
