// Where fields come from, second reports of a call, and transport: the trace page says it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { audit, eventually, openBrowser, openPage } from "./lib/browser.mjs";
import { message, send, span } from "./lib/otlp.mjs";
import { startServer } from "./lib/server.mjs";

const TRACE = "5b8efff798038103d269b633813fc60c";
const AGENT = "aaaaaaaaaaaaaaa1";
const CALL = "aaaaaaaaaaaaaaa2";
let server, browser;
before(async () => {
  server = await startServer();
  browser = await openBrowser();
  const start = Date.now() - 60_000;
  const messages = (role, text) => JSON.stringify([message(role, text)]);
  const call = { trace: TRACE, parent: AGENT, start: start + 10, ms: 900 };
  const tokens = { "gen_ai.usage.input_tokens": 120, "gen_ai.usage.output_tokens": 40 };
  await send(
    server.url,
    [
      span({
        trace: TRACE,
        id: AGENT,
        name: "support",
        start,
        ms: 1_000,
        attrs: { "gen_ai.operation.name": "invoke_agent" },
      }),
      span({
        ...call,
        id: CALL,
        name: "chat gpt-4o-mini",
        attrs: {
          "gen_ai.operation.name": "chat",
          "gen_ai.provider.name": "openai",
          "gen_ai.request.model": "gpt-4o-mini",
          "gen_ai.request.temperature": 0.2,
          "gen_ai.input.messages": messages("user", "Where is my invoice?"),
          "gen_ai.output.messages": messages("assistant", "It is on its way."),
          "acme.plan": "pro",
          ...tokens,
        },
      }),
    ],
    { project: "shop", scope: "opentelemetry.instrumentation.openai_v2" },
  );
  // The same call from another instrumentation, and what went over the wire.
  await send(
    server.url,
    [
      span({
        ...call,
        start: start + 12,
        ms: 890,
        name: "ChatCompletion",
        attrs: {
          "openinference.span.kind": "LLM",
          "llm.model_name": "gpt-4o-mini",
          "llm.token_count.prompt": 120,
          "llm.token_count.completion": 40,
        },
      }),
    ],
    { project: "shop", scope: "openinference.instrumentation.openai" },
  );
  await send(
    server.url,
    [
      span({
        trace: TRACE,
        parent: CALL,
        name: "POST",
        start: start + 20,
        ms: 800,
        error: "ConnectError: all connection attempts failed",
        attrs: { "http.request.method": "POST", "url.full": "https://api.openai.com/v1/chat/completions" },
      }),
    ],
    { project: "shop", scope: "opentelemetry.instrumentation.httpx" },
  );
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const open = (search = "") => openPage(browser.context, `${server.url}/app/p/shop/traces/${TRACE}${search}`);
const rows = (page) => page.locator("[role=treegrid] [role=row][aria-level]");
const names = async (page) => (await rows(page).allTextContents()).map((text) => text.slice(0, 24));
const selected = (page) => page.locator("[role=treegrid] [role=row][aria-selected=true]");
const shown = (page, count) => eventually(async () => (await rows(page).count()) === count, `${count} rows`);

test("a second report and transport are folded, and open by chip, key and switch", async () => {
  const { page, clean } = await open();
  await rows(page).nth(1).waitFor();
  await shown(page, 2);
  const chip = page.locator("[data-asides]");
  await chip.getByText("reported ×2").waitFor();
  await chip.getByText("+1 transport").waitFor();

  await chip.click();
  await shown(page, 4);
  await page.getByText("not counted").first().waitFor();
  await chip.click();
  await shown(page, 2);

  await page.keyboard.press("Home");
  await page.keyboard.press("j");
  await page.keyboard.press("o");
  await shown(page, 4);
  await page.keyboard.press("h");
  await shown(page, 2);

  // The switch shows transport everywhere, doubles stay folded; it is part of the address.
  await page.getByRole("button", { name: "Transport" }).click();
  await shown(page, 3);
  assert.equal(new URL(page.url()).searchParams.get("transport"), "1");
  await page.reload();
  await rows(page).nth(1).waitFor();
  await shown(page, 3);
  await page.keyboard.press("t");
  await shown(page, 2);
  await clean();
  await page.close();
});

test("what is folded stays within reach: by error, by search, by link", async () => {
  const { page } = await open();
  await rows(page).nth(1).waitFor();
  await page.keyboard.press("e");
  await eventually(async () => /POST/.test(await selected(page).textContent()), "the failed request is selected");
  const run = await eventually(() => new URL(page.url()).searchParams.get("span"), "the run is in the address");
  await page.close();

  const second = await open("?find=ChatCompletion");
  await rows(second.page).nth(1).waitFor();
  await second.page.keyboard.press("n");
  await eventually(async () => /ChatCompletion/.test(await selected(second.page).textContent()), "found");
  assert.ok((await names(second.page)).length > 2);
  await second.page.getByText("Not counted:").waitFor();
  await second.page.getByRole("button", { name: /the one that counts/ }).click();
  await eventually(async () => /chat gpt-4o-mini/.test(await selected(second.page).textContent()), "back");
  await second.page.getByText(/Reported twice/).waitFor();
  await second.page.close();

  const third = await open(`?span=${run}`);
  await eventually(async () => /POST/.test(await selected(third.page).textContent()), "unfolded for a link");
  await third.page.close();
});

test("each field says which attribute it came from", async () => {
  const { page, clean } = await open(`?span=${CALL}&tab=attributes`);
  const details = page.getByRole("region", { name: "Span details" });
  const model = details.getByRole("button", { name: "model comes from the attribute gen_ai.request.model" });
  await model.waitFor();
  await model.hover();
  await page.getByRole("tooltip").getByText("gen_ai.request.model").waitFor();

  await details.getByRole("button", { name: /Show where each field comes from/ }).click();
  await details.getByText("gen_ai.request.model").first().waitFor();
  await details.getByText("gen_ai.usage.input_tokens").first().waitFor();
  await details.getByText("the span’s name").first().waitFor();
  assert.deepEqual(await audit(page), []);
  // An attribute that fills nothing leads to a rule that could use it, with this run to try it on.
  await details.getByRole("link", { name: "Make a mapping rule for acme.plan" }).click();
  await page.getByRole("form", { name: "New rule" }).waitFor();
  assert.equal(await page.getByLabel("Attribute", { exact: true }).inputValue(), "acme.plan");
  await page.getByRole("link", { name: "chat gpt-4o-mini" }).waitFor();
  await page.goBack();
  await details.getByText("gen_ai.request.model").first().waitFor();
  await page.reload();
  // Remembered.
  await details.getByText("gen_ai.request.model").first().waitFor();
  await details.getByRole("tab", { name: "Messages" }).click();
  await details.getByText("gen_ai.input.messages").first().waitFor();
  await details.getByText("gen_ai.output.messages").first().waitFor();
  await details.getByRole("tab", { name: "Parameters" }).click();
  await details.getByText("gen_ai.request.temperature").first().waitFor();
  await clean();
  await page.close();
});
