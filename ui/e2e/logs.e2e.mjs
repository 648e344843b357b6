// Logs: the project's list, and a trace's records with the events of its spans.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { audit, eventually, openBrowser, openPage } from "./lib/browser.mjs";
import { agentTrace, logRecord, send, sendLogs } from "./lib/otlp.mjs";
import { startServer } from "./lib/server.mjs";

const MINUTE = 60_000;
const INFO = 9;
const WARN = 13;
const ERROR = 17;
let server, browser, logs, broken;
before(async () => {
  server = await startServer();
  browser = await openBrowser();
  logs = `${server.url}/app/p/shop/logs`;
  const now = Date.now();
  broken = agentTrace({
    name: "trip-planner",
    tool: "convert_currency",
    error: "ToolError: the rate service timed out",
    start: now - 5 * MINUTE,
  });
  await send(server.url, broken.spans, { project: "shop" });
  const [root, , tool] = broken.spans;
  await sendLogs(
    server.url,
    [
      logRecord({ time: now - 5 * MINUTE + 5, body: "planning begins", severity: INFO, text: "INFO", span: root }),
      logRecord({
        time: now - 5 * MINUTE + 1100,
        body: "rate service is slow\nwill ask again",
        severity: WARN,
        span: tool,
        attrs: { "rate.url": "https://api.fxrates.dev", attempt: 2 },
      }),
      logRecord({
        time: now - 5 * MINUTE + 1300,
        body: { outcome: "gave up", tries: 3 },
        severity: ERROR,
        event: "rates.failed",
        span: tool,
      }),
    ],
    { project: "shop", service: "planner" },
  );
  const plain = Array.from({ length: 500 }, (_, i) =>
    logRecord({ time: now - (i + 10) * MINUTE * 1.5, body: `GET /healthz number ${i}`, severity: INFO }),
  );
  await sendLogs(server.url, plain, { project: "shop", service: "gateway" });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const open = (path = "", options) => openPage(browser.context, logs + path, options);
const list = (page) => page.getByRole("treegrid", { name: "Logs" });
const line = (page, text) => page.locator("[role=treegrid] [role=row][data-log]", { hasText: text });
const opened = (page) => page.locator("[role=treegrid] [role=row][aria-level='2']");
const params = (page) => new URL(page.url()).searchParams;
const texts = (page) =>
  page
    .locator("[role=treegrid] [role=row][data-log]")
    .evaluateAll((rows) => rows.toSorted((a, b) => a.ariaRowIndex - b.ariaRowIndex).map((row) => row.textContent));

test("newest first, with level, service and trace", async () => {
  const { page, clean } = await open();
  await line(page, "planning begins").waitFor();
  const shown = await texts(page);
  assert.match(shown[0], /error.*planner.*rates\.failed.*gave up/);
  assert.match(shown[1], /warn.*rate service is slow will ask again/);
  assert.match(shown[2], /info.*planning begins/);
  assert.match(shown[3], /gateway.*number 0/);
  assert.match(shown[0], new RegExp(broken.traceId.slice(0, 8)));
  await clean();
  await page.close();
});

test("scrolling loads the rest and keeps few rows in the document", async () => {
  const { page } = await open();
  await line(page, "planning begins").waitFor();
  await eventually(async () => {
    await list(page).evaluate((element) => (element.scrollTop = element.scrollHeight));
    return (await line(page, /number 499$/).count()) === 1;
  }, "the last record");
  assert.equal(await list(page).getAttribute("aria-rowcount"), "504");
  assert.ok((await page.locator("[role=row][data-log]").count()) < 90);
  await page.close();
});

test("text and level are in the address and survive a reload; Back undoes", async () => {
  const { page, clean } = await open();
  await line(page, "planning begins").waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("RATE");
  await eventually(() => params(page).get("q") === "RATE", "the text is in the address");
  await line(page, "planning begins").waitFor({ state: "detached" });
  assert.equal((await texts(page)).length, 2, "body and event name are searched in any case");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Escape");
  await page.getByRole("radio", { name: "Error+" }).click();
  await eventually(() => params(page).get("severity") === "error", "the level is in the address");
  await line(page, "rate service is slow").waitFor({ state: "detached" });
  await page.reload();
  await line(page, "rates.failed").waitFor();
  assert.equal((await texts(page)).length, 1);
  await page.goBack();
  await line(page, "rate service is slow").waitFor();
  assert.equal(params(page).get("severity"), null);
  await clean();
  await page.close();
});

test("a record opens in place, and leads to its run and to those like it", async () => {
  const { page, clean } = await open();
  await line(page, "rate service is slow").click();
  await opened(page).getByText("https://api.fxrates.dev").waitFor();
  assert.equal(await line(page, "rate service is slow").getAttribute("aria-expanded"), "true");
  await opened(page).getByRole("region", { name: "Body" }).getByText("will ask again").waitFor();
  // What is below moves out of its way.
  const box = await opened(page).boundingBox();
  const next = await line(page, "planning begins").boundingBox();
  assert.ok(next.y >= box.y + box.height - 1, "rows do not overlap");
  await opened(page).getByRole("button", { name: "Only this trace" }).click();
  await eventually(() => params(page).get("trace") === broken.traceId, "the trace is in the address");
  await line(page, "number 0").waitFor({ state: "detached" });
  await page.getByRole("button", { name: /^Remove filter trace/ }).click();
  await line(page, /number 0$/).waitFor();
  await opened(page).getByRole("link", { name: "Open the run" }).click();
  await page
    .getByRole("treegrid")
    .getByRole("row", { selected: true, name: /convert_currency/ })
    .waitFor();
  await clean();
  await page.close();
});

test("a link to a record shows it, and what was said around it", async () => {
  const { page, clean } = await open();
  await line(page, "rate service is slow").click();
  // The address is what the button copies: reading the clipboard needs a permission that not every browser has.
  await page.evaluate(() => {
    navigator.clipboard.writeText = (text) => Promise.resolve((window.copied = text));
  });
  await opened(page).getByRole("button", { name: "Copy link" }).click();
  const link = await page.evaluate(() => window.copied);
  assert.match(link, /\/app\/p\/shop\/logs\?.*record=[0-9a-f]{32}/);
  await page.goto(link);
  await opened(page).getByText("https://api.fxrates.dev").waitFor();
  assert.deepEqual((await texts(page)).length, 1);
  await page.getByRole("button", { name: /^Remove filter record/ }).click();
  await line(page, "planning begins").waitFor();
  await clean();
  await page.close();
});

test("keys: move, unfold, turn around, open the trace", async () => {
  const { page, clean } = await open();
  await line(page, "planning begins").waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  const selected = page.locator("[role=row][aria-selected=true]");
  await eventually(async () => /rate service/.test(await selected.textContent()), "the second record");
  assert.equal(await list(page).getAttribute("aria-activedescendant"), await selected.getAttribute("id"));
  await page.keyboard.press("Enter");
  await opened(page).getByText("https://api.fxrates.dev").waitFor();
  await page.keyboard.press("Escape");
  await opened(page).waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Newest first" }).click();
  await line(page, /number 499$/).waitFor();
  assert.equal(params(page).get("order"), "oldest");
  await page.goBack();
  await line(page, "planning begins").waitFor();
  await page.keyboard.press("o");
  await page
    .getByRole("treegrid")
    .getByRole("row", { name: /convert_currency/ })
    .first()
    .waitFor();
  assert.match(page.url(), new RegExp(broken.traceId));
  await page.keyboard.press("g");
  await page.keyboard.press("l");
  await list(page).waitFor();
  await clean();
  await page.close();
});

test("live: new records enter while nobody reads, and wait while somebody does", async () => {
  const { page } = await open();
  await line(page, "planning begins").waitFor();
  const say = (body) =>
    sendLogs(server.url, [logRecord({ time: Date.now(), body, severity: INFO })], { project: "shop", service: "live" });
  await say("the first to arrive");
  await line(page, "the first to arrive").waitFor();
  assert.match((await texts(page))[0], /the first to arrive/);
  await line(page, "planning begins").hover();
  const place = () => line(page, "planning begins").boundingBox();
  const before = await place();
  await say("the second to arrive");
  const pill = page.getByRole("button", { name: "1 new" });
  await pill.waitFor();
  assert.deepEqual(await place(), before);
  await pill.click();
  await line(page, "the second to arrive").waitFor();
  await page.close();
});

test("nothing that matches says so and offers a way out", async () => {
  const { page } = await open("?q=nosuchtext");
  await page.getByRole("heading", { name: "No records match" }).waitFor();
  await page.getByRole("button", { name: "Clear the filter" }).click();
  await line(page, "planning begins").waitFor();
  await page.close();
});

test("a trace as its logs: records and events by time, with their spans", async () => {
  const { page, clean } = await openPage(browser.context, `${server.url}/app/p/shop/traces/${broken.traceId}`);
  await page.getByRole("radio", { name: "Logs" }).click();
  await eventually(() => params(page).get("as") === "logs", "the view is in the address");
  await line(page, "planning begins").waitFor();
  await line(page, "exception").first().waitFor();
  const shown = await texts(page);
  assert.match(shown[0], /5\.0 ms.*info.*trip-planner.*planning begins/);
  const order = ["planning begins", "rate service is slow", "rates.failed", "ToolError"];
  const places = order.map((text) => shown.findIndex((row) => row.includes(text)));
  assert.deepEqual(
    places,
    places.toSorted((a, b) => a - b),
  );
  // Picking a record selects its span, in the details and in the address.
  await line(page, "rate service is slow").click();
  await page
    .getByRole("region", { name: "Span details" })
    .getByRole("heading", { name: /convert_currency/ })
    .waitFor();
  await eventually(() => params(page).get("span") !== null, "the span is in the address");
  await page.getByRole("button", { name: "Selected span" }).click();
  await line(page, "planning begins").waitFor({ state: "detached" });
  await line(page, "rates.failed").waitFor();
  await page.reload();
  await line(page, "rates.failed").waitFor();
  assert.equal(await line(page, "planning begins").count(), 0);
  await page.keyboard.press("v");
  await page
    .getByRole("treegrid")
    .getByRole("row", { selected: true, name: /convert_currency/ })
    .waitFor();
  await clean();
  await page.close();
});

for (const theme of ["light", "dark"])
  test(`axe finds nothing, ${theme}`, async () => {
    const { page, clean } = await open("", { theme });
    await line(page, "rate service is slow").click();
    await opened(page).getByText("https://api.fxrates.dev").waitFor();
    assert.deepEqual(await audit(page), []);
    await page.goto(`${server.url}/app/p/shop/traces/${broken.traceId}?as=logs`);
    await line(page, "rate service is slow").click();
    await opened(page).first().waitFor();
    assert.deepEqual(await audit(page), []);
    await clean();
    await page.close();
  });

test("fits a phone", async () => {
  const { page } = await open("", { size: { width: 380, height: 760 } });
  await line(page, "planning begins").waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 380);
  await line(page, "rate service is slow").click();
  await opened(page).getByText("https://api.fxrates.dev").waitFor();
  await page.close();
});
