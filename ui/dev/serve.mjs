// Serves the built UI as the Rust server does (compressed files, nonce, headers, boot data, base path) and passes the
// API on to CLEARSPAN_URL. For measuring and for checking the policy; never shipped.
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { extname, join } from "node:path";

const port = Number(process.env.PORT ?? 4391);
const target = new URL(process.env.CLEARSPAN_URL ?? "http://127.0.0.1:4390");
const base = process.env.BASE_PATH ?? "/";
const dist = new URL("../dist", import.meta.url).pathname;
const TYPES = { ".js": "text/javascript", ".css": "text/css", ".woff2": "font/woff2", ".svg": "image/svg+xml" };
const NO_SNIFF = { "x-content-type-options": "nosniff" };
const policy = (nonce) =>
  `default-src 'none'; script-src 'self'; style-src 'self' 'nonce-${nonce}'; style-src-attr 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types default`;

/** What the server tells of itself; without it the page asks for it. */
async function boot() {
  try {
    const answer = await fetch(new URL("/api/clearspan/v1/info", target));
    return answer.ok ? (await answer.text()).replaceAll("<", "\\u003c") : "null";
  } catch {
    return "null";
  }
}

async function page(res) {
  const nonce = randomBytes(16).toString("base64");
  res.writeHead(200, {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-cache",
    "content-security-policy": policy(nonce),
    "referrer-policy": "no-referrer",
    ...NO_SNIFF,
  });
  const info = await boot();
  res.end(
    readFileSync(join(dist, "index.html"), "utf8")
      .replaceAll("__CSP_NONCE__", nonce)
      .replace('<base href="/" />', `<base href="${base}" />`)
      .replace('id="boot">null<', () => `id="boot">${info}<`),
  );
}

createServer((req, res) => {
  const url = new URL(req.url, "http://x");
  if (!url.pathname.startsWith(base)) return res.writeHead(404).end();
  const path = `/${url.pathname.slice(base.length)}`;
  if (path.startsWith("/api/") || path.startsWith("/v1/")) {
    const up = request(
      { host: target.hostname, port: target.port, path: path + url.search, method: req.method, headers: req.headers },
      (answer) => {
        res.writeHead(answer.statusCode, answer.headers);
        answer.pipe(res);
      },
    );
    up.on("error", () => res.writeHead(502).end());
    res.on("close", () => up.destroy());
    return req.pipe(up);
  }
  const file = join(dist, path);
  if (path === "/" || !extname(path) || !existsSync(file)) return extname(path) ? res.writeHead(404).end() : page(res);
  const headers = {
    "content-type": TYPES[extname(path)] ?? "application/octet-stream",
    "cache-control": "public, max-age=31536000, immutable",
    ...NO_SNIFF,
  };
  if (existsSync(`${file}.br`))
    return res.writeHead(200, { ...headers, "content-encoding": "br" }).end(readFileSync(`${file}.br`));
  res.writeHead(200, headers).end(readFileSync(file));
}).listen(port, "127.0.0.1", () => console.log(`built UI on http://127.0.0.1:${port}${base}`));
