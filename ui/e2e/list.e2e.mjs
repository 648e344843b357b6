// The list: filters in the address, facets, live rows, keys.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually, openBrowser, openPage, row } from "./lib/browser.mjs";
import { crowding } from "./lib/machine.mjs";
import { agentTrace, send } from "./lib/otlp.mjs";
import { startServer } from "./lib/server.mjs";

const MINUTE = 60_000;
let server, browser, list;
before(async () => {
  server = await startServer();
  browser = await openBrowser();
  const now = Date.now();
  const spans = [];
  for (let i = 0; i < 300; i++) {
    const failed = i % 10 === 3;
    const { spans: made } = agentTrace({
      name: i % 3 === 0 ? "trip-planner" : "support-triage",
      model: i % 4 === 0 ? "claude-sonnet-4-5" : "gpt-4o-mini",
      question: `Question number ${i}`,
      start: now - (i + 2) * MINUTE,
      error: failed ? "RateLimitError: 429, retry after 20 s" : undefined,
      user: `user-${i % 5}`,
      tokens: i === 7 ? [90_000, 9_000] : [120, 40],
    });
    spans.push(...made);
  }
  await send(server.url, spans, { project: "shop" });
  list = `${server.url}/app/p/shop/traces`;
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const open = (path = "", options) => openPage(browser.context, list + path, options);
const total = (page) => page.getByLabel("Totals");
const names = (page) =>
  page
    .locator("[role=grid] [role=row][data-key] [data-col=name]")
    .evaluateAll((cells) => cells.map((c) => c.textContent));
const query = (page) => new URL(page.url()).searchParams.get("q");

test("shows what was sent: newest first, error in the place of the output, totals", async () => {
  const { page, clean } = await open();
  await row(page, "Question number 0").waitFor();
  await total(page).getByText("300 traces").waitFor();
  assert.match(await total(page).textContent(), /\$0\.\d+.*10% failed.*p50 1\.50 s.*p95 1\.50 s/);
  const failed = row(page, /Question number 3(?!\d)/);
  assert.match(await failed.textContent(), /RateLimitError: 429/);
  assert.equal(await failed.getByRole("img", { name: "failed" }).count(), 1);
  const order = await page
    .locator("[role=grid] [role=row][data-key]")
    .evaluateAll((rows) =>
      rows.toSorted((a, b) => a.ariaRowIndex - b.ariaRowIndex).map((r) => /number (\d+)/.exec(r.textContent)?.[1]),
    );
  assert.deepEqual(order.slice(0, 5), ["0", "1", "2", "3", "4"]);
  await clean();
  await page.close();
});

test("scrolling loads the next pages and keeps few rows in the document", async () => {
  const { page } = await open();
  await row(page, "Question number 0").waitFor();
  const grid = page.getByRole("grid");
  await eventually(async () => {
    await grid.evaluate((element) => (element.scrollTop = element.scrollHeight));
    return (await row(page, "Question number 299").count()) === 1;
  }, "the last row");
  assert.equal(await grid.getAttribute("aria-rowcount"), "301");
  assert.ok((await page.locator("[role=row][data-key]").count()) < 80);
  assert.ok((await page.locator("*").count()) < 2_000);
  await page.close();
});

test("a typed filter becomes a chip and an address; Back takes it away", async () => {
  const { page, clean } = await open();
  await total(page).getByText("300 traces").waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("status:error ");
  await page.keyboard.press("Enter");
  await total(page).getByText("30 traces").waitFor();
  assert.equal(query(page), "status:error");
  await page.getByRole("button", { name: "Remove filter status:error" }).waitFor();
  await page.keyboard.type("model:gpt-4o-mini");
  await page.keyboard.press("Enter");
  await eventually(() => query(page) === "status:error model:gpt-4o-mini", "both terms in the address");
  await page.goBack();
  await eventually(() => query(page) === "status:error", "Back takes one filter away");
  await total(page).getByText("30 traces").waitFor();
  await page.goBack();
  await eventually(() => query(page) === null, "Back takes the other away");
  await total(page).getByText("300 traces").waitFor();
  await clean();
  await page.close();
});

test("an address with a filter opens the same list", async () => {
  const { page } = await open("?q=status:error+name:trip-planner");
  await row(page, "trip-planner").first().waitFor();
  assert.deepEqual(new Set(await names(page)), new Set(["trip-planner"]));
  assert.equal(await page.getByLabel("Filter", { exact: true }).inputValue(), "");
  await page.close();
});

test("words are searched in everything that runs say, while they are typed", async () => {
  const { page, clean } = await open();
  await total(page).getByText("300 traces").waitFor();
  await page.keyboard.press("/");
  // Only the questions have it; the list shows the rest of the trace.
  await page.keyboard.type("numb");
  await eventually(() => query(page) === "numb*", "the word may go on");
  await total(page).getByText("300 traces").waitFor();
  await page.keyboard.type("er ");
  await page.keyboard.press("Enter");
  await page.keyboard.type('"number 17"');
  await page.keyboard.press("Enter");
  await eventually(() => query(page) === 'number "number 17"', "both searches in the address");
  await row(page, /Question number 17(?!\d)/).waitFor();
  await total(page).getByText("1 trace").waitFor();
  await page.getByRole("button", { name: "Remove filter number", exact: true }).click();
  await page.getByRole("button", { name: 'Remove filter "number 17"' }).click();
  await page.getByLabel("Filter", { exact: true }).click();
  await page.keyboard.type("/retry after \\d+ s/");
  await page.keyboard.press("Enter");
  await total(page).getByText("30 traces").waitFor();
  await clean();
  await page.close();
});

test("suggestions complete fields, and values with their counts", async () => {
  const { page } = await open();
  await total(page).getByText("300 traces").waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("mod");
  await page.getByRole("option", { name: /^model/ }).waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Tab");
  const option = page.getByRole("option", { name: /claude-sonnet-4-5\s*75/ });
  await option.waitFor();
  await option.click();
  await eventually(() => query(page) === "model:claude-sonnet-4-5", "the value was taken");
  await total(page).getByText("75 traces").waitFor();
  await page.close();
});

test("a filter that cannot be read is explained, and the list stays", async () => {
  const { page } = await open();
  await total(page).getByText("300 traces").waitFor();
  // How many there are is known before they are.
  await eventually(async () => (await row(page, "Question").count()) > 10, "rows");
  await page.keyboard.press("/");
  await page.keyboard.type("nosuchfield:1");
  await page.keyboard.press("Enter");
  await page
    .getByRole("alert")
    .getByText(/nosuchfield/)
    .first()
    .waitFor();
  assert.ok((await row(page, "Question").count()) > 10);
  await page.close();
});

test("small letters that look as if they joined terms are said to be words", async () => {
  const { page, clean } = await open("?q=number or question&t=all");
  const hint = page.getByRole("status").filter({ hasText: "searched as a word" });
  await hint.waitFor();
  assert.match(await hint.textContent(), /^or is searched as a word; write OR/);
  await page.goto(`${list}?q=number OR question&t=all`);
  await row(page, "trip-planner").first().waitFor();
  assert.equal(await hint.count(), 0);
  await clean();
  await page.close();
});

test("facets filter, add, exclude; their own counts stay", async () => {
  const { page } = await open();
  const facets = page.getByLabel("Facets");
  const claude = facets.getByRole("button", { name: /^claude-sonnet-4-5\s*,\s*75$/ });
  await claude.click();
  await eventually(() => query(page) === "model:claude-sonnet-4-5", "one value");
  await total(page).getByText("75 traces").waitFor();
  // The other model still says how many it would give.
  await facets.getByRole("button", { name: /^gpt-4o-mini\s*,\s*225$/ }).click({ modifiers: ["Shift"] });
  await eventually(() => query(page)?.includes(" OR "), "both values");
  await total(page).getByText("300 traces").waitFor();
  await facets.getByRole("button", { name: /^gpt-4o-mini\s*,\s*225$/ }).click({ modifiers: ["Alt"] });
  await eventually(() => query(page)?.includes("-model:gpt-4o-mini"), "excluded");
  await total(page).getByText("75 traces").waitFor();
  // Other facets follow the filter: 75 of the 300 have each user in a fifth.
  await facets.getByRole("button", { name: /^user-1\s*,\s*15$/ }).waitFor();
  await page.close();
});

test("the menu of a value filters by it", async () => {
  const { page } = await open();
  await row(page, "Question number 1").first().locator("[data-field=model]").click({ button: "right" });
  await page.getByRole("menuitem", { name: /Exclude gpt-4o-mini/ }).click();
  await eventually(() => query(page) === "-model:gpt-4o-mini", "the value is excluded");
  await total(page).getByText("75 traces").waitFor();
  await page.close();
});

test("nothing matches: says what would", async () => {
  const { page } = await open("?q=status:error+user:nobody");
  await page.getByRole("heading", { name: "No traces match" }).waitFor();
  await page.getByRole("button", { name: "user:nobody", exact: true }).click();
  await eventually(() => query(page) === "status:error", "the term is dropped");
  await total(page).getByText("30 traces").waitFor();
  await page.close();
});

test("dragging over the chart sets the time, Esc takes it back", async () => {
  const { page } = await open("?t=24h");
  const chart = page.getByRole("img", { name: /^Traces from/ });
  const box = await chart.boundingBox();
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + box.width * 0.9, y);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.95, y, { steps: 4 });
  await page.mouse.move(box.x + box.width - 2, y, { steps: 4 });
  await page.mouse.up();
  await eventually(() => page.url().includes(".."), "the range is in the address");
  await eventually(async () => {
    const count = Number(/(\d+) traces/.exec(await total(page).textContent())?.[1]);
    return count > 20 && count < 300;
  }, "fewer traces");
  await page.keyboard.press("Escape");
  await eventually(() => page.url().endsWith("?t=24h"), "the range before");
  await page.close();
});

test("sorting by cost puts the expensive one first", async () => {
  const { page } = await open();
  await row(page, "Question number 0").waitFor();
  await page.getByRole("columnheader", { name: "Tokens" }).getByRole("button").click();
  await eventually(() => page.url().includes("sort=-tokens"), "the order is in the address");
  await eventually(
    async () => /number 7(?!\d)/.test(await page.locator("[role=row][aria-rowindex='2']").textContent()),
    "the most tokens first",
  );
  assert.equal(await page.getByRole("columnheader", { name: "Tokens" }).getAttribute("aria-sort"), "descending");
  await page.close();
});

test("keys: move, peek, open, back to the same row", async () => {
  const { page, clean } = await open();
  await row(page, "Question number 0").waitFor();
  for (let i = 0; i < 4; i++) await page.keyboard.press("j");
  await page.keyboard.press("k");
  const selected = page.locator("[role=row][aria-selected=true]");
  await eventually(async () => /number 2(?!\d)/.test(await selected.textContent()), "the third row is selected");
  assert.equal(await page.getByRole("grid").getAttribute("aria-activedescendant"), await selected.getAttribute("id"));
  await page.keyboard.press(" ");
  const peek = page.getByRole("complementary", { name: /^Peek/ });
  await peek.getByText("Question number 2").first().waitFor();
  await eventually(() => page.url().includes("peek="), "the peek pane is in the address");
  const beside = () => page.getByRole("grid").evaluate((grid) => grid.scrollWidth - grid.clientWidth);
  await eventually(async () => (await beside()) <= 0, "columns give way to the pane");
  assert.equal(await page.getByRole("columnheader", { name: "Model" }).count(), 0);
  await page.keyboard.press("j");
  await peek.getByText("Question number 3").first().waitFor();
  await peek
    .getByText(/RateLimitError/)
    .first()
    .waitFor();
  await page.keyboard.press("Escape");
  await peek.waitFor({ state: "detached" });
  await page.getByRole("columnheader", { name: "Model" }).waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("treegrid").waitFor();
  await page.goBack();
  await row(page, /Question number 3(?!\d)/).waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("t");
  await eventually(() => new URL(page.url()).search === "", "g t goes to the plain list");
  await clean();
  await page.close();
});

test("a new trace enters within a second, while nobody reads", async () => {
  const { page } = await open();
  await row(page, "Question number 0").waitFor();
  const sent = agentTrace({ name: "fresh-one", question: "Did I arrive?", start: Date.now() - 1_000, ms: 900 });
  await send(server.url, sent.spans, { project: "shop" });
  const acknowledged = Date.now();
  await row(page, "fresh-one").waitFor();
  const took = Date.now() - acknowledged;
  assert.ok(took < 1_000 * crowding(), `the row took ${took} ms`);
  assert.match(await page.locator("[role=row][aria-rowindex='2']").textContent(), /fresh-one/);
  await page.close();
});

test("rows under the pointer stay where they are; new ones wait", async () => {
  const { page } = await open();
  await row(page, "Question number 1").first().hover();
  const place = () => row(page, "Question number 1").first().boundingBox();
  const before = await place();
  for (let i = 0; i < 10; i++) {
    const { spans } = agentTrace({ name: "stream", question: `Live ${i}`, start: Date.now() - 500, ms: 400 });
    await send(server.url, spans, { project: "shop" });
  }
  const pill = page.getByRole("button", { name: "10 new" });
  await pill.waitFor();
  assert.deepEqual(await place(), before);
  assert.equal(await row(page, "Live 9").count(), 0);
  await pill.click();
  await row(page, "Live 9").waitFor();
  await page.close();
});

test("columns: hide, order, remembered", async () => {
  const { page } = await open();
  const headers = () => page.getByRole("columnheader").allTextContents();
  await row(page, "Question number 1").first().waitFor();
  await page.getByRole("button", { name: "Columns" }).click();
  await page.getByRole("checkbox", { name: "User" }).check();
  await page.getByRole("checkbox", { name: "Tokens" }).uncheck();
  await page.getByRole("button", { name: "Move User left" }).click();
  await page.keyboard.press("Escape");
  const chosen = await headers();
  assert.ok(!chosen.includes("Tokens") && chosen.includes("User"));
  assert.ok(chosen.indexOf("User") < chosen.length - 1, "moved from the end");
  await page.goto(list);
  await row(page, "Question number 1").first().waitFor();
  assert.deepEqual(await headers(), chosen);
  await page.getByRole("button", { name: "Columns" }).click();
  await page.getByRole("button", { name: "Back to the standard columns" }).click();
  await eventually(async () => (await headers()).includes("Tokens"), "standard columns");
  await page.close();
});

test("runs unit lists single runs and opens them in their trace", async () => {
  const { page } = await open();
  await page.getByRole("radio", { name: "Runs" }).click();
  await eventually(() => page.url().includes("unit=runs"), "the unit is in the address");
  const call = row(page, "chat gpt-4o-mini").first();
  await call.getByRole("link").click();
  await page.getByRole("treegrid").waitFor();
  assert.match(page.url(), /span=/);
  await page.close();
});

test("a project that does not exist says so", async () => {
  const { page } = await openPage(browser.context, `${server.url}/app/p/nosuchproject/traces`);
  await page.getByRole("heading", { name: "There is no project nosuchproject" }).waitFor();
  await page.getByRole("link", { name: "Show all projects" }).click();
  await page.getByRole("link", { name: "shop" }).waitFor();
  await page.close();
});
