//! A whole thread as Markdown: every turn is needed for it, those that were never on screen too.

import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { messageOf } from "@/lib/api/client";
import { runQuery } from "@/lib/api/queries";
import type { TraceRow } from "@/lib/api/types";
import { answerOf, markdownOf, questionOf } from "@/lib/conversation";
import { formatDateTime, formatDollars, formatDuration, plural } from "@/lib/format";
import { saveFile } from "@/lib/save-file";
import { copyText } from "@/components/CopyButton";
import { versionOf } from "./TurnView";

const AT_ONCE = 6;
const SAID_MS = 2_500;

export interface MarkdownCopy {
  run: () => void;
  /** What the button says while it works and after it; null before. */
  note: string | null;
}

export function useMarkdown(project: string, thread: string, turns: TraceRow[]): MarkdownCopy {
  const client = useQueryClient();
  const [note, setNote] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const say = (text: string) => {
    setNote(text);
    setTimeout(() => setNote((now) => (now === text ? null : now)), SAID_MS);
  };
  const run = async () => {
    if (busy) return;
    setBusy(true);
    try {
      const text = await write(client, project, thread, turns, (done) => setNote(`${done} of ${turns.length} turns`));
      // Browsers let a page write to the clipboard for a few seconds after a click; a long thread takes longer.
      if (await copyText(text)) say("Copied");
      else {
        saveFile(new Blob([text], { type: "text/markdown" }), `${thread}.md`.replaceAll(/[^\w.-]/g, "_"));
        say("Saved as a file");
      }
    } catch (error) {
      say(messageOf(error));
    } finally {
      setBusy(false);
    }
  };
  return { run: () => void run(), note };
}

async function write(
  client: QueryClient,
  project: string,
  thread: string,
  turns: TraceRow[],
  onProgress: (done: number) => void,
): Promise<string> {
  const blocks: string[] = Array.from({ length: turns.length });
  let next = 0;
  let done = 0;
  const work = async (): Promise<void> => {
    while (next < turns.length) {
      const index = next++;
      const turn = turns[index];
      const whole = await client.fetchQuery(runQuery(turn.trace_id, turn.root_run_id, project, versionOf(turn)));
      blocks[index] = blockOf(turn, index, markdownOf(questionOf(whole)), markdownOf(answerOf(whole)));
      if (++done % 20 === 0) onProgress(done);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const head = `# Thread ${thread}\n\n${plural(turns.length, "turn")} in ${project}\n`;
  return [head, ...blocks].join("\n");
}

function blockOf(turn: TraceRow, index: number, question: string, answer: string): string {
  const facts = [formatDateTime(turn.start_time), formatDuration(turn.latency_us), formatDollars(turn.cost)];
  const error = turn.error
    ? `\n> **${turn.status === "error" ? "Failed" : "Failed and recovered"}:** ${turn.error}\n`
    : "";
  return `## Turn ${index + 1}\n\n*${facts.join(" · ")}*\n\n**User**\n\n${question}\n${error}\n**Assistant**\n\n${answer || "*No answer was returned.*"}\n`;
}
