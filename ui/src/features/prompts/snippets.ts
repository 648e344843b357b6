//! How programs pull what the page shows.

import type { PromptKind } from "@/lib/api/prompts";

const idOf = (name: string, ref: string | undefined): string => JSON.stringify(ref ? `${name}:${ref}` : name);

/** `ref` is a tag or a hash; nothing for the newest. */
export function pythonSnippet(kind: PromptKind, name: string, ref: string | undefined): string {
  return `from langsmith import Client\n\nclient = Client()\n${kind} = client.pull_${kind}(${idOf(name, ref)})\n`;
}

const JAVASCRIPT: Record<PromptKind, (id: string) => string> = {
  prompt: (id) => `const { manifest } = await client.pullPromptCommit(${id});`,
  agent: (id) => `const agent = await client.pullAgent(${id});`,
  skill: (id) => `const skill = await client.pullSkill(${id});`,
};

export const javascriptSnippet = (kind: PromptKind, name: string, ref: string | undefined): string =>
  `import { Client } from "langsmith";\n\nconst client = new Client();\n${JAVASCRIPT[kind](idOf(name, ref))}\n`;
