// Mapping rules: written, tried on a stored run, applied to what arrives and to what is stored.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { audit, eventually, openBrowser, openPage } from "./lib/browser.mjs";
import { runIdOf, send, span } from "./lib/otlp.mjs";
import { startServer } from "./lib/server.mjs";

let server, browser;
before(async () => {
  server = await startServer();
  browser = await openBrowser();
  await sendCall("4bf92f3577b34da6a3ce929d0e0e4736");
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const CALL = "00f067aa0ba902b7";
const sendCall = (trace) =>
  send(
    server.url,
    [
      span({
        trace,
        id: CALL,
        name: "gateway call",
        start: Date.now() - 5_000,
        ms: 300,
        attrs: { "gen_ai.operation.name": "chat", "acme.model": "gpt-4o-mini", "acme.customer": "cus_81" },
      }),
    ],
    { project: "shop" },
  );
const open = (search = "") => openPage(browser.context, `${server.url}/app/p/shop/settings/rules${search}`);
const runOf = async (trace) => {
  const runId = runIdOf(CALL);
  return (await fetch(`${server.api}/traces/${trace}/runs/${runId}?project=shop`)).json();
};

test("a rule is tried on a stored run, saved, and applied to what arrives and to what is stored", async () => {
  const { page, clean } = await open();
  await page.getByRole("heading", { name: "No rules of your own" }).waitFor();
  await page.getByRole("button", { name: "New rule" }).first().click();
  const form = page.getByRole("form", { name: "New rule" });
  await form.getByLabel("Name").fill("Model of our gateway");
  await form.getByLabel("Attribute").fill("acme.model");
  await form.getByLabel("Fills the field").selectOption("model");

  await form.getByLabel("or paste a link or ids").fill("nothing of the kind");
  await form.getByText("No trace id in it").waitFor();
  await form.getByLabel("or paste a link or ids").fill(`${server.url}/app/t/4bf92f3577b34da6a3ce929d0e0e4736/${CALL}`);
  await form.getByRole("heading", { name: "1 attribute", exact: true }).waitFor();
  const change = form.getByRole("listitem").filter({ hasText: "model" }).first();
  await change.getByText("gpt-4o-mini").waitFor();
  // Nothing is saved by trying.
  assert.equal((await runOf("4bf92f3577b34da6a3ce929d0e0e4736")).model, null);
  assert.deepEqual(await audit(page), []);

  await form.getByRole("button", { name: "Add rule" }).click();
  await page
    .getByRole("list", { name: /Mapping rules/ })
    .getByText("Model of our gateway")
    .waitFor();

  const later = "4bf92f3577b34da6a3ce929d0e0e4737";
  await sendCall(later);
  const arrived = await eventually(async () => (await runOf(later)).model && runOf(later), "the rule is in use");
  assert.equal(arrived.model, "gpt-4o-mini");
  assert.equal(arrived.sources.model, "rule:Model of our gateway:acme.model");

  await page.getByRole("button", { name: "Map shop again" }).click();
  await page.getByText(/Done: .*1 changed/).waitFor({ timeout: 30_000 });
  assert.equal((await runOf("4bf92f3577b34da6a3ce929d0e0e4736")).model, "gpt-4o-mini");
  await clean();
  await page.close();
});

test("errors of the server stand beside the input", async () => {
  const { page } = await open("?rule=new");
  const form = page.getByRole("form", { name: "New rule" });
  await form.getByLabel("Name").fill("Model of our gateway");
  await form.getByLabel("Attribute").fill("acme.*.*");
  await form.getByLabel("Fills the field").selectOption("model");
  await form.getByRole("button", { name: "Add rule" }).click();
  await eventually(
    async () => (await form.getByLabel("Attribute").getAttribute("aria-invalid")) === "true",
    "the attribute is refused",
  );
  await form.getByLabel("Attribute").fill("acme.model");
  await form.getByRole("button", { name: "Add rule" }).click();
  await eventually(
    async () => (await form.getByLabel("Name").getAttribute("aria-invalid")) === "true",
    "the name is taken",
  );
  await page.close();
});

test("rules are switched off, put in order and deleted", async () => {
  const body = { name: "Customer", attribute: "acme.customer", field: "user_id" };
  const headers = { "content-type": "application/json" };
  const made = await fetch(`${server.api}/mapping-rules`, { method: "POST", headers, body: JSON.stringify(body) });
  assert.equal(made.status, 201);
  const { page, clean } = await open();
  const items = page.getByRole("list", { name: /Mapping rules/ }).getByRole("listitem");
  await items.nth(1).waitFor();

  await page.getByRole("button", { name: "Move Customer up" }).click();
  await eventually(async () => /Customer/.test(await items.first().textContent()), "it is the first");
  const off = page.getByRole("switch", { name: "Use Customer" });
  await off.click();
  await eventually(async () => (await off.getAttribute("aria-checked")) === "false", "it is off");
  await page.reload();
  await eventually(async () => /Customer/.test(await items.first().textContent()), "it stayed the first");
  assert.equal(await off.getAttribute("aria-checked"), "false");

  await page.getByRole("button", { name: "Delete Customer" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete rule" }).click();
  await eventually(async () => (await items.count()) === 1, "it is gone");
  assert.deepEqual(await audit(page), []);
  await clean();
  await page.close();
});
