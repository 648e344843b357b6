// Budgets of the trace page with ten thousand runs: doubled, and stretched when other work holds the cores.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser, openPage } from "./lib/browser.mjs";
import { bigTrace, send } from "./lib/otlp.mjs";
import { crowding } from "./lib/machine.mjs";
import { startServer } from "./lib/server.mjs";

const RUNS = 10_000;
const MARGIN = 2;
let server, browser, trace;
before(async () => {
  server = await startServer();
  browser = await openBrowser({ viewport: { width: 1680, height: 1020 } });
  trace = bigTrace(RUNS);
  await send(server.url, trace.spans, { project: "load" });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const open = () => openPage(browser.context, `${server.url}/app/p/load/traces/${trace.traceId}`);
const painted = (page) => page.getByRole("treegrid").getByRole("row").nth(3).waitFor();

test("first paint of the tree within a second of navigating", async (t) => {
  // Once without counting: the server's caches, the browser's code cache.
  await (await open()).page.close();
  const times = [];
  let crowd = 1;
  for (let i = 0; i < 3; i++) {
    crowd = Math.max(crowd, crowding());
    const page = await browser.context.newPage();
    await page.addInitScript(() => {
      const look = () => {
        const rows = document.querySelectorAll("[role=treegrid] [role=row][aria-level]").length;
        // The frame after the rows are in the document is the one that shows them.
        if (rows > 3) requestAnimationFrame(() => requestAnimationFrame((now) => (window.treePainted = now)));
        else requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    });
    await page.goto(`${server.url}/app/p/load/traces/${trace.traceId}`);
    await page.waitForFunction(() => window.treePainted > 0);
    times.push(await page.evaluate(() => window.treePainted));
    await page.close();
  }
  const median = times.toSorted((a, b) => a - b)[1];
  t.diagnostic(`first paint: ${times.map((ms) => Math.round(ms)).join(", ")} ms, crowding ${crowd.toFixed(1)}`);
  assert.ok(median <= 1_000 * MARGIN * crowd, `the tree was painted after ${Math.round(median)} ms`);
});

test("all runs are there, few elements are", async () => {
  const { page, clean } = await open();
  await painted(page);
  await page.getByText(RUNS.toLocaleString("en-US")).first().waitFor();
  await page.keyboard.press("]");
  const grid = page.getByRole("treegrid");
  await page.waitForFunction((n) => Number(document.querySelector("[role=treegrid]").ariaRowCount) > n, RUNS * 0.9);
  for (const share of [0, 0.3, 0.7, 1]) {
    await grid.evaluate((element, at) => {
      const box = [element, ...element.querySelectorAll("*")].find((e) => e.scrollHeight > e.clientHeight + 1_000);
      box.scrollTop = box.scrollHeight * at;
    }, share);
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    const elements = await page.locator("*").count();
    assert.ok(elements < 2_000, `${elements} elements at ${share}`);
  }
  await clean();
  await page.close();
});

/** Frame times of 300 frames while scrolling 15 rows a frame. */
const frameTimes = (page) =>
  page.evaluate(async () => {
    const grid = document.querySelector("[role=treegrid]");
    const box = [grid, ...grid.querySelectorAll("*")].find((e) => e.scrollHeight > e.clientHeight + 1_000);
    const deltas = [];
    let last = await new Promise(requestAnimationFrame);
    for (let i = 0; i < 300; i++) {
      box.scrollTop += 15 * 26;
      const now = await new Promise(requestAnimationFrame);
      deltas.push(now - last);
      last = now;
    }
    return { deltas: deltas.slice(5), top: box.scrollTop };
  });

const rate = (deltas) => 1000 / (deltas.reduce((sum, ms) => sum + ms, 0) / deltas.length);
const slow = (deltas) => deltas.filter((ms) => ms > 33.4).length / deltas.length;

// A timed figure: it says something on a quiet machine only, so it is measured on demand.
const isTimed = process.env.CLEARSPAN_TIMED === "1";
test(
  "scrolling keeps up with the screen",
  { skip: !isTimed && "set CLEARSPAN_TIMED=1 on a quiet machine" },
  async (t) => {
    const { page } = await open();
    await painted(page);
    await page.keyboard.press("]");
    await page.waitForFunction((n) => Number(document.querySelector("[role=treegrid]").ariaRowCount) > n, RUNS * 0.9);
    const crowd = crowding();
    const { deltas, top } = await frameTimes(page);
    const late = slow(deltas);
    t.diagnostic(
      `${rate(deltas).toFixed(1)} frames a second, ${(late * 100).toFixed(1)}% over 33 ms, crowding ${crowd.toFixed(1)}`,
    );
    assert.ok(top > 50_000, "it did not scroll");
    assert.ok(rate(deltas) >= 55 / MARGIN / crowd, `${rate(deltas).toFixed(1)} frames a second`);
    // Late frames say nothing where every process waits for its turn.
    if (crowd < 1.3) assert.ok(late <= 0.05 * MARGIN, `${(late * 100).toFixed(1)}% of the frames took over 33 ms`);
    await page.close();
  },
);

test("the first load stays near its budget over the wire", async (t) => {
  const page = await browser.context.newPage();
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("Network.enable");
  await cdp.send("Network.setCacheDisabled", { cacheDisabled: true });
  const scripts = new Map();
  let bytes = 0;
  cdp.on("Network.responseReceived", ({ requestId, type, response }) => {
    if (type === "Script") scripts.set(requestId, response);
  });
  cdp.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    if (scripts.has(requestId)) bytes += encodedDataLength;
  });
  await page.goto(`${server.url}/app/p/load/traces/${trace.traceId}`);
  await painted(page);
  assert.ok(scripts.size > 0, "no script was seen");
  for (const { url, headers } of scripts.values()) {
    const encoding = headers["content-encoding"] ?? headers["Content-Encoding"] ?? "";
    if (Number(headers["content-length"] ?? 0) > 2_000) assert.match(encoding, /br|gzip/, url);
  }
  t.diagnostic(`${scripts.size} scripts, ${(bytes / 1000).toFixed(0)} kB`);
  // The 180 kB of scripts/first-load.mjs, and the headers of some fifty answers.
  assert.ok(bytes <= 210_000, `${bytes} bytes of JavaScript`);
  await page.close();
});
