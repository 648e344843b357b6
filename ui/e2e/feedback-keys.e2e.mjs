// What the scores of feedback mean: written, refused, changed and deleted in the settings.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { audit, eventually, openBrowser, openPage } from "./lib/browser.mjs";
import { send, span } from "./lib/otlp.mjs";
import { caller } from "./lib/langsmith.mjs";
import { startServer } from "./lib/server.mjs";

let server, browser;
before(async () => {
  server = await startServer();
  browser = await openBrowser();
  const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  await send(server.url, [span({ trace, id: "00f067aa0ba902b7", name: "chat", start: Date.now(), ms: 3 })], {
    project: "shop",
  });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const configs = () => caller(server)("GET", "/feedback-configs");

test("a feedback key is written, changed and deleted", async () => {
  const { page, clean } = await openPage(browser.context, `${server.url}/app/p/shop/settings/project`);
  await page.getByRole("button", { name: "New feedback key" }).click();
  const form = page.getByRole("form", { name: "Feedback key" });
  await form.getByLabel("Key").fill("tone");
  await form.getByRole("radio", { name: "Category" }).click();
  await form.getByLabel("Categories").fill("0 rude");
  await form.getByRole("button", { name: "Save" }).click();
  await form
    .getByRole("alert")
    .getByText(/at least two categories/)
    .waitFor();
  assert.deepEqual(await audit(page), []);
  await form.getByLabel("Categories").fill("0 rude\n1 very kind");
  await form.getByRole("button", { name: "Save" }).click();
  await page.getByRole("cell", { name: "rude, very kind" }).waitFor();

  await page.getByRole("button", { name: "Edit tone" }).click();
  await form.getByRole("radio", { name: "Number" }).click();
  await form.getByLabel("Most").fill("5");
  await form.getByLabel("A lower score is better").check();
  await form.getByRole("button", { name: "Save" }).click();
  await page.getByRole("cell", { name: "lower" }).waitFor();
  const [config] = await configs();
  assert.equal(config.feedback_config.max, 5);
  assert.equal(config.is_lower_score_better, true);
  assert.deepEqual(await audit(page), []);

  await page.getByRole("button", { name: "Delete tone" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await eventually(async () => (await configs()).length === 0, "it is gone");
  await clean();
  await page.close();
});
