// Links that need no key, and links that LangSmith's SDKs print.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { audit, eventually, openBrowser, openPage } from "./lib/browser.mjs";
import { caller, dottedOrder } from "./lib/langsmith.mjs";
import { startServer } from "./lib/server.mjs";

const PROJECT = "shop & co";
const top = randomUUID();
const child = randomUUID();
let server, call, browser, projectId;

before(async () => {
  server = await startServer();
  call = caller(server);
  browser = await openBrowser();
  browser.context.setDefaultTimeout(30_000);
  const start = new Date(Date.now() - 5_000);
  const order = (id) => dottedOrder(start, id);
  const run = (id, more) => ({
    id,
    trace_id: top,
    session_name: PROJECT,
    start_time: start.toISOString(),
    end_time: new Date(start.getTime() + 1_500).toISOString(),
    ...more,
  });
  await call("POST", "/runs/batch", {
    post: [
      run(top, {
        name: "answer",
        run_type: "chain",
        dotted_order: order(top),
        inputs: { question: "Where is my order?" },
        outputs: { answer: "On its way." },
      }),
      run(child, {
        name: "ChatOpenAI",
        run_type: "llm",
        parent_run_id: top,
        dotted_order: `${order(top)}.${order(child)}`,
        inputs: { messages: [{ role: "user", content: "Where is **my** order?" }] },
        outputs: null,
        error: "RateLimitError: 429",
      }),
    ],
    patch: [],
  });
  projectId = await eventually(
    async () => (await call("GET", `/runs/${child}`)).session_id,
    "the runs are there",
    20_000,
  );
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const open = (path, options) => openPage(browser.context, `${server.url}/app${path}`, options);

test("a run is shared, read without a key, and shared no more", async () => {
  const { page, clean } = await open(`/p/${encodeURIComponent(PROJECT)}/traces/${top}`);
  await page.getByRole("button", { name: "Share" }).click();
  const panel = page.getByRole("dialog", { name: "Share" });
  await panel.getByText("answer and 1 span below it").waitFor();
  await panel.getByRole("button", { name: "Make a link" }).click();
  const link = await panel.getByLabel("Link").inputValue();
  assert.match(link, /\/app\/public\/[0-9a-f-]{36}\/r$/);
  assert.deepEqual(await audit(page), []);

  const reader = await openPage(browser.context, link);
  const tree = reader.page.getByRole("tree", { name: "Spans" });
  await tree.getByRole("treeitem", { name: /answer/ }).waitFor();
  assert.equal(await reader.page.getByRole("navigation", { name: "Main" }).count(), 0);
  assert.equal(await reader.page.locator("meta[name=robots]").getAttribute("content"), "noindex");
  await reader.page.getByText("On its way.").waitFor();
  await reader.page.keyboard.press("j");
  await reader.page.getByRole("alert").getByText("RateLimitError: 429").waitFor();
  await reader.page.locator("strong", { hasText: "my" }).waitFor();
  assert.match(reader.page.url(), new RegExp(`span=${child}`));
  assert.deepEqual(await audit(reader.page), []);
  await reader.clean();

  await panel.getByRole("button", { name: "Stop sharing" }).click();
  await panel.getByText("The link leads nowhere now.").waitFor();
  await reader.page.reload();
  await reader.page.getByRole("heading", { name: "This link leads nowhere" }).waitFor();
  await clean();
  await page.close();
  await reader.page.close();
});

test("a shared dataset shows its examples", async () => {
  const dataset = await call("POST", "/datasets", { name: "questions", description: "Of September" });
  await call("POST", "/examples/bulk", [
    { dataset_id: dataset.id, inputs: { question: "One?" }, outputs: { answer: "1" } },
    { dataset_id: dataset.id, inputs: { question: "Two?" }, outputs: { answer: "2" } },
  ]);
  const { share_token: token } = await call("PUT", `/datasets/${dataset.id}/share`, { dataset_id: dataset.id });
  const { page, clean } = await open(`/public/${token}/d`);
  await page.getByText("Of September").waitFor();
  await page.getByRole("button", { name: "One?" }).click();
  await page.getByRole("region", { name: "Example", exact: true }).getByText("One?").waitFor();
  assert.deepEqual(await audit(page), []);
  await clean();
  await page.close();
});

test("links that SDKs print lead to their pages", async () => {
  const home = `/app/p/${encodeURIComponent(PROJECT)}`;
  const cases = [
    [`/o/any/projects/p/${projectId}`, `${home}/traces`],
    [`/o/any/projects/p/${projectId}/r/${child}?poll=true`, `${home}/traces/${top}?span=${child}`],
    ["/o/any/datasets/D/compare?selectedSessions=A%2CB", `${home}/datasets/D/compare?ids=A,B`],
    ["/datasets/D", `${home}/datasets/D`],
    ["/prompts/greeting/0a1b2c3d?organizationId=T", `${home}/prompts/greeting?commit=0a1b2c3d`],
    ["/hub/acme/greeting:0a1b2c3d", `${home}/prompts/greeting?commit=0a1b2c3d`],
    ["/prompts", `${home}/prompts`],
  ];
  const page = await browser.context.newPage();
  for (const [from, to] of cases) {
    await page.goto(`${server.url}/app${from}`);
    await eventually(async () => page.url().startsWith(server.url + to), `${from} leads to ${to}, not ${page.url()}`);
  }
  await page.goto(`${server.url}/app/o/any/projects/p/${randomUUID()}`);
  await page.getByRole("heading", { name: "What this address names is not here" }).waitFor();
  await page.close();
});
