// After `vite build`: write .br and .gz beside every text asset, so that the server never compresses at run time.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const TEXT = new Set([".js", ".css", ".svg", ".json", ".html"]);
// Smaller files gain nothing: the answer fits one packet either way.
const MIN_BYTES = 1024;

function* files(dir) {
  for (const name of readdirSync(dir)) {
    const path = join(dir, name);
    if (statSync(path).isDirectory()) yield* files(path);
    else yield path;
  }
}

const dist = new URL("../dist", import.meta.url).pathname;
let raw = 0;
let packed = 0;
for (const path of files(dist)) {
  const name = path.slice(dist.length + 1);
  // index.html is rewritten per answer (nonce, base, boot data), so it is never served compressed from disk.
  if (!TEXT.has(extname(path)) || name === "index.html") continue;
  const body = readFileSync(path);
  if (body.length < MIN_BYTES) continue;
  const br = brotliCompressSync(body, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: body.length },
  });
  writeFileSync(`${path}.br`, br);
  writeFileSync(`${path}.gz`, gzipSync(body, { level: 9 }));
  raw += body.length;
  packed += br.length;
}
console.log(`compressed ${(raw / 1000).toFixed(0)} kB of text to ${(packed / 1000).toFixed(0)} kB brotli`);
