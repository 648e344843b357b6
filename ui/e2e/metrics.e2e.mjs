// Metrics: the list of names, and the chart of one.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { audit, eventually, openBrowser, openPage } from "./lib/browser.mjs";
import { agentTrace, metric, send, sendMetrics } from "./lib/otlp.mjs";
import { startServer } from "./lib/server.mjs";

const MINUTE = 60_000;
let server, browser, metrics;
before(async () => {
  server = await startServer();
  browser = await openBrowser();
  metrics = `${server.url}/app/p/shop/metrics`;
  const now = Date.now();
  await send(server.url, agentTrace({ start: now - 5 * MINUTE }).spans, { project: "shop" });
  const times = Array.from({ length: 50 }, (_, i) => now - (50 - i) * MINUTE);
  await sendMetrics(
    server.url,
    [
      metric({
        name: "agent.tool.calls",
        unit: "{call}",
        description: "Tool calls made by agents.",
        kind: "sum",
        points: times.flatMap((time) => [
          { time, value: 6, attrs: { "tool.name": "convert_currency" } },
          { time, value: 3, attrs: { "tool.name": "search_hotels" } },
        ]),
      }),
      metric({
        name: "gen_ai.client.operation.duration",
        unit: "s",
        description: "Duration of calls.",
        kind: "histogram",
        points: times.flatMap((time) => [
          { time, values: [0.15, 0.3, 0.45], attrs: { "gen_ai.request.model": "gpt-4o-mini" } },
          { time, values: [3, 4], attrs: { "gen_ai.request.model": "claude-sonnet-4-5" } },
        ]),
      }),
      metric({
        name: "agent.queue.depth",
        unit: "{job}",
        kind: "gauge",
        points: times.map((time, i) => ({ time, value: i })),
      }),
    ],
    { project: "shop", service: "planner" },
  );
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const open = (path = "", options) => openPage(browser.context, metrics + path, options);
const list = (page) => page.getByRole("navigation", { name: "Metrics" });
const chart = (page) => page.getByRole("img", { name: /the numbers are in the table below/ });
const numbers = (page, group) => page.getByRole("row", { name: group });
const params = (page) => new URL(page.url()).searchParams;

test("lists the metrics with kind, unit and points, and charts one", async () => {
  const { page, clean } = await open();
  const duration = list(page).getByRole("link", { name: /gen_ai\.client\.operation\.duration/ });
  assert.match(await duration.textContent(), /histogram.*s.*100 points/);
  await duration.click();
  await page.getByRole("heading", { name: "gen_ai.client.operation.duration" }).waitFor();
  await eventually(() => params(page).get("name") === "gen_ai.client.operation.duration", "the name is in the address");
  await chart(page).locator("canvas").waitFor();
  // The mean of five values a minute: (0.15 + 0.3 + 0.45 + 3 + 4) / 5.
  await numbers(page, /gen_ai\.client\.operation\.duration/)
    .getByText("1.58 s")
    .first()
    .waitFor();
  await page.getByText("not part of the cost and tokens").waitFor();
  await clean();
  await page.close();
});

test("aggregation and group are in the address and survive a reload", async () => {
  const { page, clean } = await open("?name=gen_ai.client.operation.duration&t=1h");
  await page.getByRole("combobox", { name: "Group by" }).selectOption("gen_ai.request.model");
  await numbers(page, "claude-sonnet-4-5").getByText("3.50 s").first().waitFor();
  await numbers(page, "gpt-4o-mini").getByText("300 ms").first().waitFor();
  await page.getByRole("radio", { name: "p95" }).click();
  await eventually(() => params(page).get("agg") === "p95", "the aggregation is in the address");
  await eventually(
    async () => !/3\.50 s/.test(await numbers(page, "claude-sonnet-4-5").textContent()),
    "other numbers than the average",
  );
  const before = await numbers(page, "claude-sonnet-4-5").textContent();
  await page.reload();
  await numbers(page, "claude-sonnet-4-5").waitFor();
  assert.equal(await page.getByRole("radio", { name: "p95" }).getAttribute("aria-checked"), "true");
  assert.equal(await numbers(page, "claude-sonnet-4-5").textContent(), before);
  await page.goBack();
  await numbers(page, "claude-sonnet-4-5").getByText("3.50 s").first().waitFor();
  await clean();
  await page.close();
});

test("each kind offers what fits it", async () => {
  const { page } = await open("?name=agent.tool.calls&t=1h");
  const choices = () => page.getByRole("radiogroup", { name: "Aggregation" }).getByRole("radio").allTextContents();
  await chart(page).waitFor();
  assert.deepEqual((await choices()).toSorted(), ["Rate", "Sum"]);
  await page.getByRole("radio", { name: "Sum" }).click();
  await page.getByRole("combobox", { name: "Group by" }).selectOption("tool.name");
  const first = page.getByRole("row", { name: "convert_currency" });
  await first.waitFor();
  assert.ok(
    (await page.getByRole("rowheader").allTextContents()).join().indexOf("convert_currency") <
      (await page.getByRole("rowheader").allTextContents()).join().indexOf("search_hotels"),
    "the larger group comes first",
  );
  await list(page)
    .getByRole("link", { name: /agent\.queue\.depth/ })
    .click();
  await page.getByRole("radio", { name: "Last" }).waitFor();
  assert.ok(!(await choices()).includes("p95"));
  assert.equal(params(page).get("by"), null, "a group that the metric does not have is dropped");
  await numbers(page, /agent\.queue\.depth/)
    .getByText("49")
    .first()
    .waitFor();
  await page.close();
});

test("a line is taken off the chart and put back; dragging looks closer", async () => {
  const { page, clean } = await open("?name=agent.tool.calls&t=1h&by=tool.name");
  const button = page.getByRole("button", { name: "search_hotels" });
  await button.click();
  assert.equal(await button.getAttribute("aria-pressed"), "false");
  await button.click();
  assert.equal(await button.getAttribute("aria-pressed"), "true");
  const box = await chart(page).locator(".u-over").boundingBox();
  await page.mouse.move(box.x + box.width * 0.3, box.y + 40);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.6, box.y + 60, { steps: 6 });
  await page.mouse.up();
  await eventually(() => params(page).get("t")?.includes(".."), "the stretch is in the address");
  await page.goBack();
  await eventually(() => params(page).get("t") === "1h", "Back is the range before");
  await clean();
  await page.close();
});

test("keys and find", async () => {
  const { page, clean } = await open();
  await list(page).getByRole("link").first().waitFor();
  const names = await list(page).getByRole("link").locator(":scope > span:first-child").allTextContents();
  await page.getByRole("heading", { name: names[0], exact: true }).waitFor();
  await page.keyboard.press("j");
  await page.getByRole("heading", { name: names[1], exact: true }).waitFor();
  await page.keyboard.press("k");
  await page.getByRole("heading", { name: names[0], exact: true }).waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("t");
  await page.getByRole("grid").waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("m");
  await list(page).waitFor();
  await clean();
  await page.close();
});

test("a project without metrics says how to send them", async () => {
  await send(server.url, agentTrace().spans, { project: "silent" });
  const { page } = await openPage(browser.context, `${server.url}/app/p/silent/metrics`);
  await page.getByRole("heading", { name: "No metrics yet" }).waitFor();
  await page.getByText("/v1/metrics").waitFor();
  await page.close();
});

for (const theme of ["light", "dark"])
  test(`axe finds nothing, ${theme}`, async () => {
    const { page, clean } = await open("?name=gen_ai.client.operation.duration&t=1h&by=gen_ai.request.model", {
      theme,
    });
    await numbers(page, "gpt-4o-mini").waitFor();
    assert.deepEqual(await audit(page), []);
    await clean();
    await page.close();
  });

test("fits a phone", async () => {
  const { page } = await open("?name=agent.tool.calls&t=1h", { size: { width: 380, height: 760 } });
  await chart(page).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 380);
  await page.close();
});
