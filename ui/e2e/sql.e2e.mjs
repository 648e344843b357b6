// SQL: a statement, its answer, its mistakes.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { audit, openBrowser, openPage } from "./lib/browser.mjs";
import { agentTrace, send } from "./lib/otlp.mjs";
import { startServer } from "./lib/server.mjs";

let server, browser, address;
before(async () => {
  server = await startServer();
  browser = await openBrowser();
  address = `${server.url}/app/p/shop/sql`;
  await send(server.url, agentTrace({ start: Date.now() - 60_000 }).spans, { project: "shop" });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const editor = (page) => page.getByRole("textbox", { name: "Statement" });
const answer = (page) => page.getByRole("region", { name: "Answer" });

test("a statement is answered, and the address keeps it", async () => {
  const { page } = await openPage(browser.context, address);
  await editor(page).fill("select count(*) as n, 'a' as letter, null as nothing from runs where project = 'shop'");
  await editor(page).press("Control+Enter");
  await answer(page).getByRole("columnheader", { name: "letter" }).waitFor();
  const cells = await answer(page).getByRole("cell").allTextContents();
  assert.ok(Number(cells[0]) > 0, cells.join());
  assert.deepEqual(cells.slice(1), ["a", "null"]);
  assert.match(new URL(page.url()).searchParams.get("q"), /^select count/);
  await page.getByText(/^1 row in/).waitFor();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "CSV" }).click(),
  ]);
  assert.equal(download.suggestedFilename(), "answer.csv");
  await audit(page);
  await page.close();
});

test("a mistake is shown where it is", async () => {
  const { page } = await openPage(browser.context, address);
  await editor(page).fill("select title from runs");
  await editor(page).press("Control+Enter");
  const alert = page.getByRole("alert");
  await alert.getByText(/there is no column "title"/).waitFor();
  assert.equal(await alert.locator("mark").textContent(), "title");
  await page.close();
});

test("columns of the tables are one click away", async () => {
  const { page } = await openPage(browser.context, address);
  await editor(page).fill("");
  await page
    .getByRole("navigation", { name: "Tables" })
    .getByRole("button", { name: /^latency_ms/ })
    .click();
  assert.equal(await editor(page).inputValue(), "latency_ms");
  await page.close();
});
