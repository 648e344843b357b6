// The server is killed and started again under an open page.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser, openPage, row } from "./lib/browser.mjs";
import { agentTrace, send } from "./lib/otlp.mjs";
import { startServer } from "./lib/server.mjs";

let server, browser;
before(async () => {
  server = await startServer();
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const make = (name) => agentTrace({ name, start: Date.now() - 1_000, ms: 500 });

test("what was acknowledged is there after a kill, and the page goes on by itself", async () => {
  const first = make("before-the-crash");
  await send(server.url, first.spans, { project: "shop" });
  const { page } = await openPage(browser.context, `${server.url}/app/p/shop/traces`);
  await row(page, "before-the-crash").waitFor();
  await page.evaluate(() => (window.sameDocument = true));
  await send(server.url, make("last-words").spans, { project: "shop" });
  await server.crash();
  await server.start();
  await send(server.url, make("after-the-crash").spans, { project: "shop" });
  await row(page, "after-the-crash").waitFor();
  for (const name of ["before-the-crash", "last-words"]) assert.equal(await row(page, name).count(), 1, name);
  assert.ok(await page.evaluate(() => window.sameDocument), "the page was loaded anew");
  await row(page, "before-the-crash").getByRole("link").click();
  await page
    .getByRole("treegrid")
    .getByRole("row", { name: /chat gpt-4o-mini/ })
    .waitFor();
  await page.close();
});

test("a page without a server says so, and recovers", async () => {
  await server.crash();
  const { page } = await openPage(browser.context, "about:blank");
  await server.start();
  await page.goto(`${server.url}/app/p/shop/traces`);
  await row(page, "after-the-crash").waitFor();
  await server.crash();
  await page.getByRole("radio", { name: "Runs" }).click();
  await page.getByRole("alert").getByText("The server does not answer.").waitFor({ timeout: 20_000 });
  await server.start();
  // The page also asks again by itself: then it has recovered before the button could be clicked.
  const recovered = row(page, "after-the-crash").first();
  await Promise.any([page.getByRole("button", { name: "Retry" }).click(), recovered.waitFor()]);
  await recovered.waitFor();
  await page.close();
});
