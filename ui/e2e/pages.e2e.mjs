// Every page with something on it, in both themes: no breach of WCAG, nothing in the console.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { audit, openBrowser, openPage } from "./lib/browser.mjs";
import { seedAll } from "./lib/seed.mjs";
import { startServer } from "./lib/server.mjs";

let server, browser;
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

test("every page with data", async (t) => {
  const made = await seedAll(server);
  const pages = {
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
    "a link that leads nowhere": [`/public/${made.dataset}/r`, heading("This link leads nowhere"), { missing: true }],
  };
  for (const [name, of] of Object.entries(pages)) await t.test(name, () => visit(...of));
});
