// Whatever is sent is text; and the pages are usable without eyes or a mouse.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { audit, eventually, openBrowser, openPage, row } from "./lib/browser.mjs";
import { agentTrace, message, send, span } from "./lib/otlp.mjs";
import { startServer } from "./lib/server.mjs";

const IMG = '<img src=x onerror="window.pwned=1">';
const SCRIPT = "<script>window.pwned=1</script>";
const BAD = `${IMG}${SCRIPT}`;
const MARKDOWN = `# Title\n\n${BAD}\n\n[click](javascript:window.pwned=1) ![x](x" onerror="window.pwned=1) \`${SCRIPT}\``;
const TURNED = "if access != \u202e\u2066// admins only\u2069 \u2066";
let server, browser, trace, good, turned;

before(async () => {
  server = await startServer();
  browser = await openBrowser();
  const now = Date.now();
  trace = agentTrace({
    name: `evil ${BAD}`,
    question: MARKDOWN,
    answer: MARKDOWN,
    model: `model ${BAD}`,
    user: BAD,
    thread: BAD,
    tool: BAD,
    start: now - 3_000,
    error: `Error: ${BAD}`,
    attrs: { [BAD]: BAD, "gen_ai.system_instructions": JSON.stringify(message("system", BAD)) },
  });
  await send(server.url, trace.spans, {
    project: "evil",
    service: BAD,
    resource: { "deployment.environment.name": BAD },
  });
  const orphan = span({
    trace: "ab".repeat(16),
    parent: "cd".repeat(8),
    name: BAD,
    start: now,
    ms: 5,
    attrs: { x: BAD },
  });
  await send(server.url, [orphan], { project: "evil" });
  turned = agentTrace({
    name: `turned ${TURNED}`,
    question: `Look:\n\n${TURNED} \`${TURNED}\``,
    answer: TURNED,
    model: `model ${TURNED}`,
    user: TURNED,
    thread: TURNED,
    tool: TURNED,
    start: now - 5_000,
    error: `Error: ${TURNED}\n${TURNED}`,
    attrs: { [TURNED]: TURNED, "gen_ai.system_instructions": JSON.stringify(message("system", TURNED)) },
  });
  await send(server.url, turned.spans, { project: "turned", service: TURNED });
  good = agentTrace({ name: "trip-planner", tool: "search", error: "ToolError: search failed", start: now - 9_000 });
  await send(
    server.url,
    [good, agentTrace(), agentTrace({ name: "sql-copilot" })].flatMap((t) => t.spans),
    { project: "shop" },
  );
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const harmless = async (page, clean) => {
  assert.equal(await page.evaluate(() => window.pwned), undefined, "sent text was run");
  assert.equal(await page.locator("img[src='x'], main script").count(), 0, "sent text became elements");
  await clean();
};

test("every page is served with a strict policy", async () => {
  for (const path of ["/app/", "/app/setup", "/app/p/evil/traces", "/app/no/such/page"]) {
    const response = await fetch(server.url + path);
    const policy = response.headers.get("content-security-policy") ?? "";
    assert.match(policy, /default-src 'none'/, path);
    assert.match(policy, /script-src 'self'(;|$)/, path);
    assert.match(policy, /require-trusted-types-for 'script'/, path);
    assert.equal(response.headers.get("x-content-type-options"), "nosniff", path);
  }
});

test("the list shows sent text as text", async () => {
  const { page, clean } = await openPage(
    browser.context,
    `${server.url}/app/p/evil/traces?cols=time,status,name,io,model,user,thread,service,env`,
  );
  await row(page, "evil <img src=x").waitFor();
  await row(page, "evil").hover();
  await page.keyboard.press("j");
  await page.keyboard.press(" ");
  await page.getByRole("complementary", { name: /^Peek/ }).getByText("<img src=x").first().waitFor();
  await row(page, "evil").locator("[data-field=user]").click({ button: "right" });
  await page.getByRole("menuitem", { name: /Filter by <img/ }).click();
  await eventually(() => page.url().includes("q=user"), "a value with quotes and blanks filters");
  await row(page, "evil <img").waitFor();
  await page.getByRole("button", { name: /Remove filter user:/ }).waitFor();
  await harmless(page, clean);
  await page.close();
});

test("the trace page shows sent text as text, in every tab of every run", async () => {
  const { page, clean } = await openPage(browser.context, `${server.url}/app/p/evil/traces/${trace.traceId}`);
  const rows = page.getByRole("treegrid").getByRole("row").filter({ hasText: "<img" });
  await rows.first().waitFor();
  const count = await rows.count();
  assert.ok(count >= 2, `${count} rows`);
  for (let i = 0; i < count; i++) {
    await rows.nth(i).click();
    await page.getByText("<script>window.pwned=1</script>").first().waitFor();
    for (const tab of await page.getByRole("tab").all()) {
      await tab.click();
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    }
  }
  await harmless(page, clean);
  await page.close();
});

test("marks that turn the direction of text are seen wherever it was sent, and copied as they are", async () => {
  const { page, clean } = await openPage(browser.context, `${server.url}/app/p/turned/traces/${turned.traceId}`);
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  const details = page.locator("[data-details]");
  const rows = page.getByRole("treegrid").getByRole("row");
  await rows.nth(1).waitFor();
  const [count, tabs] = [await rows.count(), new Set()];
  for (let i = 0; i < count; i++) {
    await rows.nth(i).click();
    for (const tab of await page.getByRole("tab").all()) {
      await tab.click();
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
      const bare = await page.evaluate(bareMarks);
      assert.deepEqual(bare, [], `${await tab.textContent()}: marks that are not written out`);
      if ((await details.locator("[data-mark]").count()) > 0) tabs.add(await tab.textContent());
    }
  }
  assert.ok(tabs.size >= 2, `marks were seen in ${[...tabs]}`);
  // What is selected is what was sent.
  const mark = page.locator("[data-mark]").first();
  assert.equal(await mark.evaluate((e) => getComputedStyle(e, "::before").content), '"\\\\u202e"');
  const selected = await mark.evaluate((e) => {
    getSelection().selectAllChildren(e.parentElement);
    return getSelection().toString();
  });
  assert.ok(selected.includes(TURNED), JSON.stringify(selected));
  await clean();
  await page.close();
});

/** The texts and hover texts of the page with marks outside of the elements that write them out. */
function bareMarks() {
  const TURNING = /[\u202a-\u202e\u2066-\u2069]/;
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode())
    if (TURNING.test(node.data) && !node.parentElement.closest("[data-mark]"))
      found.push(`${node.parentElement.outerHTML.slice(0, 200)}`);
  for (const element of document.querySelectorAll("[title]"))
    if (TURNING.test(element.title)) found.push(`title of ${element.outerHTML.slice(0, 200)}`);
  return found;
}

test("a trace whose parent never came is shown, with its text as text", async () => {
  const { page, clean } = await openPage(browser.context, `${server.url}/app/t/${"ab".repeat(16)}`);
  await page.getByRole("treegrid").getByRole("row").filter({ hasText: "<img" }).first().waitFor();
  assert.match(page.url(), /\/app\/p\/evil\/traces\//);
  await harmless(page, clean);
  await page.close();
});

test("the build keeps the order of style layers: resets do not win over components", async () => {
  const { page } = await openPage(browser.context, `${server.url}/app/p/shop/traces`);
  const padding = await page.getByRole("button", { name: "Columns" }).evaluate((e) => getComputedStyle(e).paddingLeft);
  assert.notEqual(padding, "0px");
  await page.close();
});

const PAGES = {
  setup: { path: () => "/app/setup", ready: (page) => page.getByRole("radio").first().waitFor() },
  projects: { path: () => "/app/projects", ready: (page) => page.getByRole("link", { name: "shop" }).waitFor() },
  list: {
    path: () => "/app/p/shop/traces?q=-name:nothing",
    ready: async (page) => {
      await row(page, "trip-planner").waitFor();
      await page.keyboard.press("j");
      await page.keyboard.press(" ");
      await page.getByRole("complementary", { name: /^Peek/ }).waitFor();
    },
  },
  empty: {
    path: () => "/app/p/shop/traces?q=name:nothing",
    ready: (page) => page.getByRole("heading", { name: "No traces match" }).waitFor(),
  },
  trace: {
    path: () => `/app/p/shop/traces/${good.traceId}`,
    ready: (page) => page.getByRole("treegrid").getByRole("row").nth(2).waitFor(),
  },
};

for (const [name, { path, ready }] of Object.entries(PAGES))
  for (const theme of ["light", "dark"])
    test(`accessible and clean: ${name}, ${theme}`, async () => {
      const { page, clean } = await openPage(browser.context, server.url + path(), { theme });
      await ready(page);
      assert.deepEqual(await audit(page), []);
      await clean();
      await page.close();
    });

test("one column at 320 px: nothing is cut off sideways", async () => {
  for (const { path, ready } of [PAGES.setup, PAGES.empty]) {
    const { page } = await openPage(browser.context, server.url + path(), { size: { width: 320, height: 640 } });
    await ready(page);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 320, `${path()} is ${wide} px wide`);
    await page.close();
  }
});
