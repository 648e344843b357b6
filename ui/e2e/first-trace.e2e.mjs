// From nothing to the content of a run: the way of a first user.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { eventually, openBrowser, openPage, row } from "./lib/browser.mjs";
import { crowding } from "./lib/machine.mjs";
import { startServer } from "./lib/server.mjs";

const shell = promisify(execFile);
let server, browser;
before(async () => {
  server = await startServer();
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

test("a new server opens on the page that says how to send", async () => {
  const { page, clean } = await openPage(browser.context, `${server.url}/`);
  await page.getByRole("heading", { name: "Send your first trace" }).waitFor();
  assert.match(page.url(), /\/app\/setup$/);
  await page.getByText("Waiting for the first trace…").waitFor();
  for (const sdk of ["OpenTelemetry", "OpenLLMetry", "OpenInference", "LangSmith", "Pydantic AI", "Vercel AI", "cURL"])
    assert.ok((await page.getByRole("radio", { name: sdk }).count()) > 0, sdk);
  // Every snippet carries the address of this server.
  for (const radio of await page.getByRole("radio").all()) {
    await radio.click();
    const texts = await page.locator("pre").allTextContents();
    assert.ok(texts.join("\n").includes(server.url), await radio.textContent());
    assert.ok(!texts.join("\n").includes("127.0.0.1:4318"), await radio.textContent());
  }
  await clean();
  await page.close();
});

test("a refused request is explained", async () => {
  const { page } = await openPage(browser.context, `${server.url}/app/setup`);
  await page.getByText("Waiting for the first trace…").waitFor();
  const answer = await fetch(`${server.url}/v1/traces`, {
    method: "POST",
    headers: { "content-type": "text/plain" },
    body: "hello",
  });
  assert.equal(answer.status, 415);
  await page.getByText("Something arrived and was refused").waitFor();
  assert.match(await page.getByLabel("Arrivals").textContent(), /\/v1\/traces answered 415/);
  await page.close();
});

test("snippet, trace, run, content", async () => {
  const { page, clean } = await openPage(browser.context, `${server.url}/app/setup`);
  await page.getByText("Waiting for the first trace…").waitFor();
  await page.getByRole("radio", { name: "cURL" }).click();
  await eventually(() => page.url().includes("sdk=curl"), "the choice is in the address");
  // The text of the page is run as a person would paste it.
  const snippet = await page.locator("pre").textContent();
  const { stdout } = await shell("sh", ["-c", snippet]);
  assert.deepEqual(JSON.parse(stdout).partialSuccess ?? {}, {});
  const arrived = Date.now();
  const link = page.getByRole("link", { name: /chat gpt-5-mini.*arrived/ });
  await link.waitFor();
  const took = Date.now() - arrived;
  assert.ok(took < 1_500 * crowding(), `the trace showed up after ${took} ms`);

  await link.click();
  const run = page.getByRole("treegrid").getByRole("row", { name: /chat gpt-5-mini/ });
  await run.click();
  await page.getByText("Say hello from the command line.").first().waitFor();
  await page.getByText("Hello from cURL.").first().waitFor();
  assert.match(page.url(), /\/app\/p\/default\/traces\/[0-9a-f-]{36}/);

  // The address alone brings it back.
  await page.reload();
  await page.getByText("Hello from cURL.").first().waitFor();
  await clean();
  await page.close();
});

test("once something arrived, the first page is the list", async () => {
  const { page } = await openPage(browser.context, `${server.url}/app/`);
  await row(page, "chat gpt-5-mini").waitFor();
  assert.match(page.url(), /\/app\/p\/default\/traces$/);
  await page.close();
});

test("the demo is on screen within two seconds, without a reload", async () => {
  const { page, clean } = await openPage(browser.context, `${server.url}/app/setup`);
  await page.evaluate(() => (window.sameDocument = true));
  const clicked = Date.now();
  await page.getByRole("button", { name: "Send a demo trace" }).click();
  await page.getByRole("treegrid").getByRole("row").nth(3).waitFor();
  const took = Date.now() - clicked;
  assert.ok(took <= 2_000 * crowding(), `the demo trace took ${took} ms`);
  assert.ok(await page.evaluate(() => window.sameDocument), "the page was loaded anew");
  assert.match(page.url(), /\/app\/p\/demo\/traces\//);

  // A run that is selected is in the address, and the address brings it back.
  await page.getByRole("treegrid").getByRole("row").nth(2).click();
  await eventually(() => page.url().includes("span="), "the run is in the address");
  const selected = page.locator("[role=treegrid] [role=row][aria-selected=true]");
  const place = await selected.getAttribute("aria-rowindex");
  await page.reload();
  await eventually(async () => (await selected.getAttribute("aria-rowindex")) === place, "the run is selected again");
  await clean();
  await page.close();
});
