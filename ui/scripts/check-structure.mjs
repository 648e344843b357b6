// House rules that no linter rule expresses: import direction, file length, no HTML strings into the page.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";

const MAX_LINES = 400;
const LAYERS = ["lib", "components", "features", "app"];
const src = new URL("../src", import.meta.url).pathname;
const problems = [];

function* sources(dir) {
  for (const name of readdirSync(dir)) {
    const path = join(dir, name);
    if (statSync(path).isDirectory()) yield* sources(path);
    else if (/\.(tsx?|css)$/.test(name)) yield path;
  }
}

/** The path under src/ that an import names, or null for a package. */
function resolve(from, specifier) {
  if (specifier.startsWith("@/")) return specifier.slice(2);
  if (specifier.startsWith(".")) return relative(src, normalize(join(dirname(from), specifier)));
  return null;
}

for (const file of sources(src)) {
  const name = relative(src, file);
  const text = readFileSync(file, "utf8");
  const lines = text.split("\n").length;
  if (lines > MAX_LINES && !name.includes(".gen.")) problems.push(`${name}: ${lines} lines, the limit is ${MAX_LINES}`);
  if (/dangerouslySetInnerHTML|\.innerHTML\s*=|insertAdjacentHTML/.test(text))
    problems.push(`${name}: writes HTML text into the page; build elements instead`);
  const [layer, feature] = name.split("/");
  if (!LAYERS.includes(layer)) continue;
  for (const [, specifier] of text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)) {
    const target = resolve(file, specifier);
    if (!target) continue;
    const [to, toFeature] = target.split("/");
    if (!LAYERS.includes(to)) continue;
    if (LAYERS.indexOf(to) > LAYERS.indexOf(layer))
      problems.push(`${name}: ${layer} must not import ${to} (${specifier})`);
    if (layer === "features" && to === "features" && toFeature !== feature)
      problems.push(`${name}: a feature must not import another feature (${specifier})`);
  }
}

for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exit(1);
console.log("structure ok");
