// Every page with something on it: in both themes no breach of WCAG and nothing in the console, and in windows of all
// widths nothing beside the window.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { audit, openBrowser, openPage } from "./lib/browser.mjs";
import { seedAll } from "./lib/seed.mjs";
import { startServer } from "./lib/server.mjs";

let server, browser, pages;
before(async () => {
  server = await startServer();
  browser = await openBrowser({ reducedMotion: "reduce" });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Both themes. What is no matter of colour is the same in both and looked at once. */
async function visit(path, shown, { missing = false } = {}) {
  const { page, clean } = await openPage(browser.context, `${server.url}/app${path}`);
  await shown(page).first().waitFor();
  await page.emulateMedia({ colorScheme: "light" });
  assert.deepEqual(await audit(page), [], `${path}, light`);
  await page.emulateMedia({ colorScheme: "dark" });
  await page.locator("html[data-theme=dark]").waitFor();
  assert.deepEqual(await audit(page, { only: ["color-contrast"] }), [], `${path}, dark`);
  // The browser itself notes answers of 404 in the console.
  if (!missing) await clean();
  await page.close();
}

const text = (words) => (page) => page.getByText(words);
const heading = (name) => (page) => page.getByRole("heading", { name });

test("the first page of an empty server", () => visit("", heading("Send your first trace")));

function pagesOf(made) {
  return {
    projects: ["/projects", text("shop")],
    traces: ["/p/shop/traces", text("Question number 0")],
    runs: ["/p/shop/traces?unit=runs", text("chat gpt-4o-mini")],
    trace: [`/p/shop/traces/${made.trace}?tab=feedback`, text("Nothing was booked")],
    "a call": [`/p/shop/traces/${made.trace}?span=${made.call}`, (page) => page.getByRole("tab", { name: "Messages" })],
    "logs of a trace": [`/p/shop/traces/${made.trace}?as=logs`, text("rate service is slow")],
    threads: ["/p/shop/threads", text("Plan nine days")],
    thread: ["/p/shop/threads/kyoto", text("ToolError: fx.convert timed out")],
    datasets: ["/p/shop/datasets", text("Questions of customers")],
    examples: [`/p/shop/datasets/${made.dataset}?example=${made.example}`, text("Refunds take 5 days")],
    experiments: [`/p/shop/datasets/${made.dataset}?tab=experiments`, text("before")],
    versions: [
      `/p/shop/datasets/${made.dataset}?tab=versions`,
      (page) => page.getByRole("table", { name: "Versions" }).locator("tbody tr"),
    ],
    comparison: [`/p/shop/datasets/${made.dataset}/compare?ids=${made.experiments.join(",")}`, text(/better/)],
    queues: ["/p/shop/annotate", text("Weekly review")],
    queue: [`/p/shop/annotate/${made.queue}`, text("0 of 1 done")],
    prompts: ["/p/shop/prompts", text("Answers customers")],
    prompt: ["/p/shop/prompts/reply", text("in three sentences")],
    "difference of prompts": ["/p/shop/prompts/reply?view=diff", (page) => page.locator("ins")],
    logs: ["/p/shop/logs", text("rate service is slow")],
    metrics: ["/p/shop/metrics?name=agent.tool.calls", text("Tool calls made by agents.")],
    sql: ["/p/shop/sql", (page) => page.getByRole("button", { name: /Run/ })],
    rules: ["/p/shop/settings/rules", text("Model of our gateway")],
    settings: ["/p/shop/settings/project", text("tone")],
    "a shared run": [`/public/${made.sharedRun}/r`, text("Just book it")],
    "a shared dataset": [`/public/${made.sharedDataset}/d`, text("Questions of customers")],
    "no such page": ["/nowhere", heading("There is no page at this address")],
    "no such trace": [`/p/shop/traces/${made.dataset}`, heading("This trace is not here"), { missing: true }],
    "no such project": ["/p/nowhere/traces", heading("There is no project nowhere"), { missing: true }],
    "no settings of it": ["/p/nowhere/settings/project", heading("There is no project nowhere"), { missing: true }],
    "no such thread": ["/p/shop/threads/nowhere", text("Show the threads of shop")],
    "no such dataset": ["/p/shop/datasets/nowhere", text("Show all datasets"), { missing: true }],
    "no such queue": [`/p/shop/annotate/${made.dataset}`, text("Show all queues"), { missing: true }],
    "no such prompt": ["/p/shop/prompts/nowhere", text("Show all prompts"), { missing: true }],
    "no trace of this id": ["/t/nowhere", heading("What this address names is not here"), { missing: true }],
    "a link that leads nowhere": [`/public/${made.dataset}/r`, heading("This link leads nowhere"), { missing: true }],
  };
}

test("every page with data", async (t) => {
  pages ??= pagesOf(await seedAll(server));
  for (const [name, of] of Object.entries(pages)) await t.test(name, () => visit(...of));
});

test("the first stop by keyboard leads past the rail", async () => {
  const { page } = await openPage(browser.context, `${server.url}/app/projects`);
  await page.getByRole("button", { name: "Send traces" }).waitFor();
  await page.keyboard.press("Tab");
  const focused = page.locator(":focus");
  assert.equal(await focused.textContent(), "Skip to the page");
  assert.equal(await focused.evaluate((skip) => getComputedStyle(skip).clipPath), "none");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  assert.equal(await page.locator("main :focus").count(), 1);
  await page.close();
});

/** From a laptop's window to a phone's. */
const WIDTHS = [1440, 1024, 768, 600, 390];
/** Four letters and three dots are no name. */
const NAME_PX = 60;

test("every page in windows of all widths", async (t) => {
  pages ??= pagesOf(await seedAll(server));
  for (const [name, [path, shown]] of Object.entries(pages))
    await t.test(name, async () => {
      const { page } = await openPage(browser.context, `${server.url}/app${path}`);
      await shown(page).first().waitFor();
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 800 });
        assert.deepEqual(await misplacedFor(page), [], `${width} px wide`);
      }
      await page.close();
    });
});

/** What stays misplaced: charts and tables learn of a new width a frame or two after the page. */
async function misplacedFor(page, ms = 2_000) {
  for (const end = Date.now() + ms; ;) {
    const found = await page.evaluate(misplaced, NAME_PX);
    if (found.length === 0 || Date.now() > end) return found;
  }
}

/** In the browser, once it has laid the page out: what no reader could read. */
async function misplaced(namePx) {
  await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  const found = [];
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) found.push(`the page is ${wide} px wide`);
  const here = document.querySelector("nav[aria-label=Breadcrumb] [aria-current=page]");
  if (here && here.scrollWidth > here.clientWidth && here.clientWidth < 240) found.push(`cut: ${here.textContent}`);
  for (const button of document.querySelectorAll("header :is(button, a)")) {
    const { right, width } = button.getBoundingClientRect();
    if (width > 0 && right > innerWidth) found.push(`beside the window: ${button.textContent || button.ariaLabel}`);
  }
  // The first link or button of a row is its name.
  for (const row of document.querySelectorAll("main table tbody tr")) {
    const cell = row.querySelector("a, button")?.closest("td");
    if (cell?.offsetParent && cell.clientWidth < namePx) found.push(`${cell.clientWidth} px for ${cell.textContent}`);
  }
  for (const head of document.querySelectorAll("main table thead th"))
    if (
      head.offsetParent &&
      head.clientWidth < namePx &&
      head.scrollWidth > head.clientWidth &&
      !head.querySelector(".sr")
    )
      found.push(`cut: ${head.textContent}`);
  return found;
}
