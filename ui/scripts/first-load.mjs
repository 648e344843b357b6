// After `vite build`: what each page brings over the wire before it can be used, against its budget.
//
// Counted are the modules of the entry and of the page, all that they import statically, and what of AT_ONCE the page
// shows without being asked although it is imported lazily; compressed with brotli, as the server sends it.
import { readFileSync, rmSync } from "node:fs";
import { brotliCompressSync } from "node:zlib";

const BUDGET = 180_000;
const ENTRY = "index.html";
const PAGE = /^src\/features\/\w+\/\w+\.tsx$/;
const MARKDOWN = "src/components/MarkdownBlocks.tsx";
const AT_ONCE = {
  "src/features/annotate/QueuePage.tsx": [MARKDOWN],
  "src/features/compare/ComparePage.tsx": [MARKDOWN],
  "src/features/datasets/DatasetPage.tsx": [MARKDOWN],
  "src/features/prompts/PromptPage.tsx": [MARKDOWN],
  "src/features/public/SharedDatasetPage.tsx": [MARKDOWN],
  "src/features/public/SharedRunPage.tsx": [MARKDOWN],
  "src/features/setup/SetupPage.tsx": ["src/components/highlight.ts"],
  "src/features/threads/ThreadPage.tsx": [MARKDOWN],
  "src/features/trace/TracePage.tsx": [MARKDOWN],
};

const dist = new URL("../dist/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", dist), "utf8"));
// The server embeds what is in dist/, and serves nobody this.
rmSync(new URL(".vite", dist), { recursive: true });

const sizes = new Map();
function bytesOf(key) {
  const { file } = manifest[key];
  if (!sizes.has(file)) sizes.set(file, brotliCompressSync(readFileSync(new URL(file, dist))).length);
  return sizes.get(file);
}

function withImports(key, seen = new Set()) {
  if (!manifest[key]) throw new Error(`${key} is no module of its own: first-load.mjs names what is not there`);
  if (seen.has(key)) return seen;
  seen.add(key);
  for (const other of manifest[key].imports ?? []) withImports(other, seen);
  return seen;
}

const pages = Object.keys(manifest).filter((key) => manifest[key].isDynamicEntry && PAGE.test(key));
const firstLoads = pages.map((page) => {
  const modules = new Set();
  for (const key of [ENTRY, page, ...(AT_ONCE[page] ?? [])]) withImports(key, modules);
  return { page, bytes: [...modules].reduce((sum, key) => sum + bytesOf(key), 0) };
});
const kb = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
for (const { page, bytes } of firstLoads.toSorted((a, b) => b.bytes - a.bytes)) {
  if (process.argv.includes("--all")) console.log(kb(bytes).padStart(9), page);
  if (bytes <= BUDGET) continue;
  console.error(`${page}: the first load is ${kb(bytes)} of JavaScript, the budget ${kb(BUDGET)}. Import lazily what`);
  console.error("  is used only after an action, see components/Dialog.tsx and components/Opener.tsx.");
  process.exitCode = 1;
}
if (pages.length === 0) throw new Error("the manifest names no page");
console.log(`first load: at most ${kb(Math.max(...firstLoads.map(({ bytes }) => bytes)))} on ${pages.length} pages`);
