// Prompts: read, compared, edited as a new version, tagged, measured by the calls that name them, deleted.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { audit, eventually, openBrowser, openPage } from "./lib/browser.mjs";
import { caller, chatPrompt, dottedOrder } from "./lib/langsmith.mjs";
import { startServer } from "./lib/server.mjs";

const PROJECT = "shop";
let server, call, browser;
/** Hashes of the versions, the first one first. */
const hashes = [];

before(async () => {
  server = await startServer();
  call = caller(server);
  browser = await openBrowser();
  browser.context.setDefaultTimeout(30_000);
  await call("POST", "/repos", { repo_handle: "reply", description: "Answers customers", tags: ["chat"] });
  await push("Be kind to {customer} in four sentences.", "First");
  await push("Be kind to {customer} in three sentences.", "Shorter");
  await call("POST", "/runs/batch", {
    post: [...usesOf(hashes[0], 2, 4_000), ...usesOf(hashes[1], 3, 1_000)],
    patch: [],
  });
  await eventually(
    async () => (await call("POST", "/runs/query", { filter: 'eq(run_type, "llm")', limit: 10 })).runs.length === 5,
    "the runs are there",
    20_000,
  );
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

async function push(system, description) {
  const made = await call("POST", "/commits/-/reply", { manifest: chatPrompt(system), description });
  hashes.push(made.commit.commit_hash);
}

/** As LangChain traces it: the run of the prompt names the version, the model call is its sibling. */
function usesOf(hash, count, ms) {
  return Array.from({ length: count }).flatMap(() => {
    const [top, prompt, model] = [randomUUID(), randomUUID(), randomUUID()];
    const start = new Date(Date.now() - 60_000);
    const order = (id) => dottedOrder(start, id);
    const run = (id, run_type, more) => ({
      id,
      run_type,
      name: run_type,
      trace_id: top,
      session_name: PROJECT,
      parent_run_id: id === top ? undefined : top,
      dotted_order: id === top ? order(top) : `${order(top)}.${order(id)}`,
      start_time: start.toISOString(),
      end_time: new Date(start.getTime() + ms).toISOString(),
      inputs: {},
      outputs: {},
      ...more,
    });
    const metadata = { lc_hub_owner: "default", lc_hub_repo: "reply", lc_hub_commit_hash: hash };
    return [
      run(top, "chain"),
      run(prompt, "prompt", { extra: { metadata } }),
      run(model, "llm", { extra: { metadata: { ls_model_name: "gpt-4o", ls_provider: "openai" } } }),
    ];
  });
}

const open = (path = "") => openPage(browser.context, `${server.url}/app/p/${PROJECT}/prompts${path}`);
const short = (hash) => hash.slice(0, 8);

test("a prompt is found, read and compared with the version before", async () => {
  const { page, clean } = await open();
  await page.getByRole("searchbox", { name: "Search prompts" }).fill("customers");
  const row = page.getByRole("row", { name: /reply/ });
  await row.getByRole("cell", { name: "5", exact: true }).waitFor();
  assert.deepEqual(await audit(page), []);
  await row.getByRole("link", { name: "reply" }).click();

  const versions = page.getByRole("navigation", { name: "Versions" });
  await versions.getByRole("heading", { name: "2 versions" }).waitFor();
  await page.getByText("in three sentences").waitFor();
  assert.deepEqual(await page.getByRole("complementary").getByRole("listitem").allTextContents(), [
    "customer",
    "question",
  ]);
  assert.deepEqual(await audit(page), []);

  await page.keyboard.press("d");
  await page.locator("del", { hasText: /^four$/ }).waitFor();
  await page.locator("ins", { hasText: /^three$/ }).waitFor();
  assert.deepEqual(await audit(page), []);

  await page.keyboard.press("f");
  await page.getByText(/is 75% faster \(4\.00 s → 1\.00 s\); with 2 calls this may be chance/).waitFor();
  await page.keyboard.press("j");
  await eventually(() => page.url().includes(`commit=${short(hashes[0])}`), "the older version is in the address");
  assert.deepEqual(await audit(page), []);
  await clean();
  await page.close();
});

test("a version is edited into a new one, on top of what somebody else pushed meanwhile", async () => {
  const { page, clean } = await open("/reply");
  await page.getByRole("button", { name: "Edit", exact: true }).click();
  const form = page.getByRole("form", { name: "New version of reply" });
  const system = form.getByLabel("Text of the system message");
  await form.getByRole("button", { name: "Nothing changed" }).waitFor();
  await system.fill("Be kind to {customer} in {language}.");
  await form.getByText("customer, language, question").waitFor();
  await form.getByLabel("What changed").fill("Any language");
  assert.deepEqual(await audit(page), []);
  await form.getByRole("button", { name: "Cancel" }).click();
  await page
    .getByRole("dialog", { name: "Leave without saving?" })
    .getByRole("button", { name: "Go on writing" })
    .click();

  await push("Somebody else's text", "Meanwhile");
  await clean();
  await form.getByRole("button", { name: /Save as new version/ }).click();
  await form
    .getByRole("alert")
    .getByText(/is not the newest/)
    .waitFor();
  await form.getByRole("button", { name: "Save on top of the newest" }).click();
  await page.getByRole("navigation", { name: "Versions" }).getByText("Any language").waitFor();
  const { commits } = await call("GET", "/commits/-/reply");
  assert.equal(commits[0].parent_commit_hash, hashes[2]);
  assert.deepEqual(commits[0].manifest.kwargs.input_variables, ["customer", "language", "question"]);
  hashes.push(commits[0].commit_hash);
  await page.close();
});

test("a tag is set and moved", async () => {
  const { page, clean } = await open("/reply");
  const tagged = async () => (await call("GET", "/repos/-/reply/tags")).map((tag) => [tag.tag_name, tag.commit_hash]);
  await page.getByRole("button", { name: `Tag ${short(hashes[0])}` }).click();
  await page.getByRole("button", { name: "Tag as production" }).click();
  await eventually(async () => (await tagged())[0]?.[1] === hashes[0], "it is tagged");
  await page.getByRole("button", { name: `Tag ${short(hashes[3])}` }).click();
  await page.getByRole("button", { name: `Move production here from ${short(hashes[0])}` }).click();
  await eventually(async () => (await tagged())[0]?.[1] === hashes[3], "the tag moved");
  await page.goto(`${server.url}/app/p/${PROJECT}/prompts/reply?commit=production`);
  await page.getByText("{language}").waitFor();
  await clean();
  await page.close();
});

test("a prompt is made on the page, made public, and deleted", async () => {
  const { page, clean } = await open();
  await page.getByRole("link", { name: "reply" }).waitFor();
  await page.keyboard.press("n");
  const dialog = page.getByRole("dialog", { name: "New prompt" });
  await dialog.getByLabel("Name").fill("title");
  await dialog.getByLabel("Description").fill("Titles of chats");
  await dialog.getByRole("button", { name: "Write the first version" }).click();
  const form = page.getByRole("form", { name: "First version of title" });
  await form.getByLabel("Text of the system message").fill("Write a title of {words} words.");
  await page.keyboard.press("Control+Enter");
  await page.getByRole("heading", { name: "1 version", exact: true }).waitFor();
  const { manifest } = await call("GET", "/commits/-/title/latest");
  assert.deepEqual(manifest.kwargs.input_variables, ["question", "words"]);

  const more = page.getByRole("button", { name: "More about this prompt" });
  await more.click();
  await page.getByRole("menuitem", { name: "Make public" }).click();
  await page.getByText("Public", { exact: true }).waitFor();
  await more.click();
  await page.getByRole("menuitem", { name: "Delete prompt…" }).click();
  await page.getByLabel("Type title to confirm").fill("title");
  await page.getByRole("button", { name: "Delete prompt" }).click();
  await page.getByRole("link", { name: "reply" }).waitFor();
  assert.equal(await page.getByRole("link", { name: "title" }).count(), 0);
  await clean();
  await page.close();
});
