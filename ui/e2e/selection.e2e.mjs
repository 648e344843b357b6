// Several traces at once: selecting by pointer and by keys, into a dataset and a queue, deleting.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { audit, openBrowser, openPage, row } from "./lib/browser.mjs";
import { caller } from "./lib/langsmith.mjs";
import { agentTrace, send } from "./lib/otlp.mjs";
import { startServer } from "./lib/server.mjs";

let server, call, browser;
before(async () => {
  server = await startServer();
  call = caller(server);
  browser = await openBrowser();
  const now = Date.now();
  const spans = [];
  for (let i = 0; i < 40; i++)
    spans.push(
      ...agentTrace({
        question: `Question number ${i}`,
        start: now - (i + 2) * 60_000,
        error: i === 2 ? "Error: no" : undefined,
      }).spans,
    );
  await send(server.url, spans, { project: "shop" });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const question = (page, number) => row(page, new RegExp(`Question number ${number}(?!\\d)`));
const mark = (page, number) => question(page, number).locator("[data-col=mark]");
const bar = (page) => page.getByRole("toolbar", { name: "Selection" });
const open = async () => {
  const opened = await openPage(browser.context, `${server.url}/app/p/shop/traces?t=all`);
  await question(opened.page, 0).waitFor();
  return opened;
};

test("a stretch of traces goes into a dataset and into a queue", async () => {
  const { page, clean } = await open();
  await mark(page, 1).click();
  await bar(page).getByText("1 trace selected").waitFor();
  await mark(page, 4).click({ modifiers: ["Shift"] });
  await bar(page).getByText("4 traces selected").waitFor();
  await bar(page).getByText("1 failed").waitFor();
  await mark(page, 2).click();
  await bar(page).getByText("3 traces selected").waitFor();
  assert.match(page.url(), /\/traces\?t=all$/, "the rows were not opened");
  assert.deepEqual(await audit(page), []);

  await bar(page).getByRole("button", { name: "Add to dataset" }).click();
  const dataset = page.getByRole("dialog", { name: "Add 3 runs to a dataset" });
  await dataset.getByLabel("Name of a new dataset").fill("Golden");
  await dataset.getByRole("button", { name: "Create dataset and add" }).click();
  await dataset.getByText("3 runs are in").waitFor();
  await dataset.getByRole("button", { name: "Done" }).click();
  await dataset.waitFor({ state: "detached" });
  const [made] = await call("GET", "/datasets?name=Golden");
  assert.equal(made.example_count, 3);

  await page.keyboard.press("a");
  const queue = page.getByRole("dialog", { name: "Add 3 runs to a queue" });
  await queue.getByLabel("Name of a new queue").fill("Review");
  await queue.getByRole("button", { name: "Create queue and add" }).click();
  await queue.getByRole("button", { name: "Done" }).click();
  await queue.waitFor({ state: "detached" });
  const [review] = await call("GET", "/annotation-queues?name=Review");
  assert.equal((await call("GET", `/annotation-queues/${review.id}/size`)).size, 3);

  await page.keyboard.press("Escape");
  await bar(page).waitFor({ state: "detached" });
  await clean();
  await page.close();
});

test("by keys: select, extend, delete after the count was confirmed", async () => {
  const { page, clean } = await open();
  await page.keyboard.press("j");
  await page.locator("[role=row][aria-selected=true]", { hasText: "Question number 0" }).waitFor();
  await page.keyboard.press("x");
  await bar(page).getByText("1 trace selected").waitFor();
  await page.keyboard.press("J");
  await bar(page).getByText("2 traces selected").waitFor();
  await page.keyboard.press("Shift+ArrowDown");
  await bar(page).getByText("3 traces selected").waitFor();
  await page.keyboard.press("#");
  const dialog = page.getByRole("dialog", { name: "Delete 3 traces?" });
  await dialog.getByRole("button", { name: "Delete 3 traces" }).click();
  await page.getByLabel("Totals").getByText("37 traces").waitFor();
  await question(page, 1).waitFor({ state: "detached" });
  await question(page, 3).waitFor();
  await page.keyboard.press("ControlOrMeta+a");
  await bar(page).getByText("37 traces selected").waitFor();
  await page.getByRole("checkbox", { name: "Select all loaded rows" }).click();
  await bar(page).waitFor({ state: "detached" });
  await clean();
  await page.close();
});
