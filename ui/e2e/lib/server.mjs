// Starts the real binary on free ports with a data folder of its own.
import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const READY_MS = 60_000;

export function binary() {
  const target = process.env.CARGO_TARGET_DIR ?? new URL("../../../target", import.meta.url).pathname;
  const path = process.env.CLEARSPAN_BIN ?? join(target, "release", "clearspan");
  if (!existsSync(path)) throw new Error(`no binary at ${path}: build it (cargo build --release) or set CLEARSPAN_BIN`);
  return path;
}

/** Below the ports that systems give to outgoing connections: one of those could take it before the server does. */
const PORTS = [12_000, 32_000];

async function freePort() {
  for (;;) {
    const port = randomInt(...PORTS);
    const probe = createServer();
    const taken = await new Promise((resolve) => {
      probe.once("error", () => resolve(true));
      probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(false)));
    });
    if (!taken) return port;
  }
}

/** A running server: its address, and what takes it away again. `args` go to `clearspan serve`. */
export async function startServer({ args = [] } = {}) {
  const dir = mkdtempSync(join(tmpdir(), "clearspan-e2e-"));
  const [http, grpc] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${http}`;
  const command = ["serve", "--data-dir", dir, "--http", `127.0.0.1:${http}`, "--grpc", `127.0.0.1:${grpc}`, ...args];
  let log = "";
  let child, exited;
  const start = async () => {
    child = spawn(binary(), command, { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (log += data));
    exited = new Promise((resolve) => child.once("exit", resolve));
    await ready(url, child, () => log);
  };
  const stop = async () => {
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), 5_000);
    await exited;
    clearTimeout(late);
    rmSync(dir, { recursive: true, force: true });
  };
  /** As if the power went: no word of goodbye. */
  const crash = async () => {
    child.kill("SIGKILL");
    await exited;
  };
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  if (!process.env.CLEARSPAN_UI_DIST)
    return { url, api: `${url}/api/clearspan/v1`, start, stop, crash, log: () => log };
  const front = await serveDist(url);
  const stopBoth = () => Promise.all([stop(), front.stop()]);
  return { url: front.url, api: `${url}/api/clearspan/v1`, start, stop: stopBoth, crash, log: () => log };
}

/** The UI of ui/dist in front of a server: with CLEARSPAN_UI_DIST=1 a changed UI needs no new binary. */
async function serveDist(target) {
  const port = await freePort();
  const child = spawn(process.execPath, [new URL("../../dev/serve.mjs", import.meta.url).pathname], {
    env: { ...process.env, PORT: String(port), CLEARSPAN_URL: target },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = new Promise((resolve) => child.once("exit", resolve));
  await new Promise((resolve) => child.stdout.once("data", resolve));
  const stop = async () => {
    child.kill();
    await exited;
  };
  return { url: `http://127.0.0.1:${port}`, stop };
}

async function ready(url, child, log) {
  const deadline = Date.now() + READY_MS;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}:\n${log()}`);
    try {
      if ((await fetch(`${url}/readyz`)).ok) return;
    } catch {
      // Not listening yet.
    }
    if (Date.now() > deadline) throw new Error(`the server was not ready in ${READY_MS} ms:\n${log()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
