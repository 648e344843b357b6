import type { Commit } from "@/lib/api/prompts";
import { useCommands } from "@/lib/commands";
import type { PromptSearch } from "./search";

interface Keys {
  commits: Commit[];
  commit: Commit | undefined;
  search: PromptSearch;
  set: (patch: PromptSearch, replace?: boolean) => void;
  editable: boolean;
}

/** `j` and `k` walk through the versions, a letter opens a view of one. */
export function useVersionKeys({ commits, commit, search, set, editable }: Keys): void {
  const reading = search.edit !== true;
  const step = (by: number) => {
    const at = commit ? commits.indexOf(commit) : 0;
    const next = commits[Math.min(commits.length - 1, Math.max(0, at + by))];
    if (next) set({ commit: next === commits[0] ? undefined : next.commit_hash.slice(0, 8), against: undefined }, true);
  };
  const common = { group: "Prompt", when: () => reading };
  useCommands([
    { ...common, id: "older", title: "Older version", keys: ["j", "ArrowDown"], keysOnly: true, run: () => step(1) },
    { ...common, id: "newer", title: "Newer version", keys: ["k", "ArrowUp"], keysOnly: true, run: () => step(-1) },
    { ...common, id: "view-messages", title: "Show messages", keys: ["m"], run: () => set({ view: undefined }) },
    { ...common, id: "view-diff", title: "Show changes", keys: ["d"], run: () => set({ view: "diff" }) },
    {
      ...common,
      id: "view-effect",
      title: "Show the effect of each version",
      keys: ["f"],
      run: () => set({ view: "effect" }),
    },
    {
      ...common,
      id: "edit",
      title: "Edit as a new version",
      keys: ["e"],
      when: () => reading && editable,
      run: () => set({ edit: true, view: undefined }),
    },
  ]);
}
