// Deleting: a trace from its page, what a filter finds, and a project; each asks first.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { audit, eventually, openBrowser, openPage } from "./lib/browser.mjs";
import { agentTrace, send } from "./lib/otlp.mjs";
import { startServer } from "./lib/server.mjs";

let server, browser, doomed, kept, filtered;
before(async () => {
  server = await startServer();
  browser = await openBrowser();
  const start = Date.now() - 60_000;
  doomed = agentTrace({ name: "doomed-agent", question: "Who am I?", start });
  kept = agentTrace({ name: "kept-agent", question: "Where am I?", start });
  filtered = agentTrace({ name: "filtered-agent", question: "Why am I?", start });
  await send(server.url, [...doomed.spans, ...kept.spans, ...filtered.spans], { project: "shop" });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const open = (path) => openPage(browser.context, `${server.url}/app/p/shop${path}`);
const statusOf = async (trace) => (await fetch(`${server.api}/traces/${trace.traceId}?project=shop`)).status;

test("a trace is deleted from its page, after asking", async () => {
  const { page } = await open(`/traces/${doomed.traceId}`);
  const ask = async () => {
    await page.getByRole("button", { name: "More about this trace" }).click();
    await page.getByRole("menuitem", { name: "Delete trace…" }).click();
    return page.getByRole("dialog", { name: "Delete this trace?" });
  };
  const dialog = await ask();
  await dialog.getByText(`${doomed.spans.length} runs`).waitFor();
  assert.deepEqual(await audit(page), []);
  await dialog.getByRole("button", { name: "Cancel" }).click();
  assert.equal(await statusOf(doomed), 200, "nothing happens without consent");

  const again = await ask();
  await again.getByRole("button", { name: "Delete trace" }).click();
  await page.waitForURL(/\/p\/shop\/traces(\?|$)/);
  await page.getByText("kept-agent").first().waitFor();
  assert.equal(await page.getByText("doomed-agent").count(), 0);
  assert.equal(await statusOf(doomed), 404);
  await send(server.url, doomed.spans, { project: "shop" });
  assert.equal(await statusOf(doomed), 404, "a retry brings nothing back");
  await page.close();
});

test("what the filter of the list finds is deleted, after counting it", async () => {
  const { page, clean } = await open("/traces?t=all");
  await page.getByText("filtered-agent").first().waitFor();
  const bin = page.getByRole("button", { name: "Delete the traces that this filter finds" });
  assert.equal(await bin.count(), 0, "without a filter it would be the whole project");
  await page.goto(`${server.url}/app/p/shop/traces?t=all&q=name:filtered-agent`);
  await bin.click();
  const dialog = page.getByRole("dialog", { name: "Delete what the filter finds?" });
  await dialog.getByRole("button", { name: "Delete 1 trace" }).click();
  await eventually(async () => (await statusOf(filtered)) === 404, "it is gone");
  assert.equal(await statusOf(kept), 200);
  await clean();
  await page.close();
});

test("retention is set, and the project deleted when its name is typed", async () => {
  const { page } = await open("/settings/project");
  const form = page.getByRole("form", { name: "Retention" });
  await form.getByLabel("Keep runs, days").fill("0");
  await form.getByText("A number above zero").waitFor();
  await form.getByLabel("Keep runs, days").fill("365");
  await form.getByRole("button", { name: "Save retention" }).click();
  const tighter = page.getByRole("dialog", { name: "Delete what is beyond the limits?" });
  await tighter.getByRole("button", { name: "Save retention" }).click();
  await form.getByRole("button", { name: "Saved" }).waitFor();
  const limits = await (await fetch(`${server.api}/projects/shop/retention`)).json();
  assert.deepEqual([limits.run_days, limits.payload_days], [365, null]);
  assert.deepEqual(await audit(page), []);

  const now = page.getByRole("button", { name: "Remove it now" });
  await now.click();
  await page.getByText(/Last done/).waitFor({ timeout: 30_000 });
  await page.getByText("Nothing that was deleted is left on the disk.").waitFor();
  assert.equal(await now.isDisabled(), true, "there is nothing to remove");

  await page.getByRole("button", { name: "Delete shop…" }).click();
  const dialog = page.getByRole("dialog", { name: "Delete shop?" });
  const confirm = dialog.getByRole("button", { name: "Delete project" });
  await dialog.getByLabel("Type shop to confirm").fill("shp");
  assert.equal(await confirm.isDisabled(), true);
  await dialog.getByLabel("Type shop to confirm").fill("shop");
  await confirm.click();
  await page.waitForURL(/\/app\/projects/);
  assert.equal((await fetch(`${server.api}/projects/shop`)).status, 404);
  await page.close();
});

test("the page of a project that is gone says so, and opens once somebody sends to it", async () => {
  const { page } = await open("/traces?t=all");
  await page.getByRole("heading", { name: "There is no project shop" }).waitFor();
  await page.getByRole("link", { name: "Show all projects" }).click();
  await page.waitForURL(/\/app\/projects/);
  await page.goBack();
  await page.getByRole("heading", { name: "There is no project shop" }).waitFor();
  const late = agentTrace({ name: "late-agent", question: "Who is there?", start: Date.now() - 30_000 });
  await send(server.url, late.spans, { project: "shop" });
  await page.getByText("late-agent").first().waitFor();
  await page.close();
});
