// The trace page by keyboard and by address.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually, openBrowser, openPage, row } from "./lib/browser.mjs";
import { crowding } from "./lib/machine.mjs";
import { agentTrace, runIdOf, send } from "./lib/otlp.mjs";
import { startServer } from "./lib/server.mjs";

const MINUTE = 60_000;
let server, browser, broken, fine;
before(async () => {
  server = await startServer();
  browser = await openBrowser();
  const now = Date.now();
  broken = agentTrace({
    name: "trip-planner",
    question: "Plan a trip to Kyoto",
    tool: "convert_currency",
    error: "ToolError: the rate service timed out",
    start: now - 5 * MINUTE,
  });
  fine = agentTrace({ name: "support-triage", question: "Where is my invoice?", start: now - 9 * MINUTE });
  await send(server.url, [...broken.spans, ...fine.spans], { project: "shop" });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const open = (path) => openPage(browser.context, server.url + path);
const tracePath = (trace) => `/app/p/shop/traces/${trace.traceId}`;
const tree = (page) => page.getByRole("treegrid");
const selected = (page) => page.locator("[role=treegrid] [role=row][aria-selected=true]");
const params = (page) => new URL(page.url()).searchParams;
const isSelected = (page, text) =>
  eventually(async () => text.test(await selected(page).textContent()), `${text} is selected`);

test("keys: rows, errors, axes, find", async () => {
  const { page, clean } = await open(tracePath(broken));
  await tree(page)
    .getByRole("row", { name: /convert_currency/ })
    .waitFor();
  await page.keyboard.press("Home");
  await isSelected(page, /trip-planner/);
  await page.keyboard.press("j");
  await isSelected(page, /chat gpt-4o-mini/);
  assert.equal(await tree(page).getAttribute("aria-activedescendant"), await selected(page).getAttribute("id"));
  await page.keyboard.press("k");
  await isSelected(page, /trip-planner/);

  // From the failed root the next error is the tool that broke it.
  await page.keyboard.press("e");
  await isSelected(page, /convert_currency/);
  await eventually(() => params(page).get("span"), "the span is in the address");
  await page.getByText("the rate service timed out").first().waitFor();

  await page.keyboard.press("2");
  await eventually(() => params(page).get("axis") === "cost", "dollars");
  await page.keyboard.press("3");
  await eventually(() => params(page).get("axis") === "tokens", "tokens");
  await page.keyboard.press("1");
  await eventually(() => params(page).get("axis") === null, "time");

  await page.keyboard.press("/");
  await page.keyboard.type("chat");
  await page.keyboard.press("Enter");
  await isSelected(page, /chat gpt-4o-mini/);
  await page.keyboard.press("Escape");

  await page.keyboard.press("Home");
  await page.keyboard.press("h");
  await eventually(async () => (await tree(page).getByRole("row", { expanded: false }).count()) === 1, "folded");
  await page.keyboard.press("l");
  await tree(page)
    .getByRole("row", { name: /convert_currency/ })
    .waitFor();
  await clean();
  await page.close();
});

test("keys are listed, and Escape closes the list", async () => {
  const { page } = await open(tracePath(broken));
  await tree(page).waitFor();
  await page.keyboard.press("?");
  const help = page.getByRole("dialog");
  await help.getByText("Next error").waitFor();
  await page.keyboard.press("Escape");
  await help.waitFor({ state: "detached" });
  await page.close();
});

test("the short address of a run finds its trace and selects it", async () => {
  const call = broken.spans.find((span) => span.name.startsWith("chat"));
  for (const run of [call.spanId, runIdOf(call.spanId)]) {
    const { page } = await open(`/app/t/${broken.traceId.replaceAll("-", "")}/${run}`);
    await isSelected(page, /chat gpt-4o-mini/);
    assert.ok(page.url().includes(tracePath(broken)));
    await page.getByText("Plan a trip to Kyoto").first().waitFor();
    await page.close();
  }
});

test("⇧J goes to the next trace of the list", async () => {
  const { page } = await open("/app/p/shop/traces");
  await row(page, "trip-planner").getByRole("link").click();
  await tree(page)
    .getByRole("row", { name: /trip-planner/ })
    .first()
    .waitFor();
  await page.keyboard.press("Shift+J");
  await tree(page)
    .getByRole("row", { name: /support-triage/ })
    .first()
    .waitFor();
  assert.ok(page.url().includes(fine.traceId));
  await page.goBack();
  await page.close();
});

test("a trace that does not exist says so", async () => {
  const { page } = await open(`/app/p/shop/traces/${"0".repeat(30)}11`);
  await page.getByRole("heading", { name: "This trace is not here" }).waitFor();
  await page.close();
});

test("a trace that grows is drawn without a reload", async () => {
  const growing = agentTrace({ name: "growing", start: Date.now() - 3_000 });
  await send(server.url, growing.spans, { project: "shop" });
  const { page } = await open(tracePath(growing));
  await tree(page)
    .getByRole("row", { name: /chat gpt-4o-mini/ })
    .waitFor();
  const late = agentTrace({ name: "late-child", start: Date.now() - 1_000 }).spans[0];
  await send(server.url, [{ ...late, traceId: growing.spans[0].traceId, parentSpanId: growing.rootId }], {
    project: "shop",
  });
  const acknowledged = Date.now();
  await tree(page)
    .getByRole("row", { name: /late-child/ })
    .waitFor();
  const took = Date.now() - acknowledged;
  assert.ok(took < 1_500 * crowding(), `it took ${took} ms`);
  await page.close();
});
