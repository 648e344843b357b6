// Datasets and experiments: made over LangSmith's API as the SDKs make them, read and changed in the browser.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { audit, eventually, openBrowser, openPage } from "./lib/browser.mjs";
import { caller, experimentRun } from "./lib/langsmith.mjs";
import { startServer } from "./lib/server.mjs";

let server, call, browser, dataset, experiments;
const EXAMPLES = 120;

/** A bound, not an expectation: machines that build at the same time are slow. */
const SLOW_MS = 30_000;

before(async () => {
  server = await startServer();
  call = caller(server);
  browser = await openBrowser();
  browser.context.setDefaultTimeout(SLOW_MS);
  dataset = (await call("POST", "/datasets", { name: "answers", description: "Questions of customers" })).id;
  const examples = Array.from({ length: EXAMPLES }, (_, n) => ({
    id: randomUUID(),
    dataset_id: dataset,
    // The newest stands first: example 0 has to be the newest.
    created_at: new Date(Date.UTC(2026, 0, 1) - n * 1000).toISOString(),
    inputs: { question: `Question ${n}` },
    outputs: { answer: `Refunds for order ${n} take 5 days` },
    metadata: { topic: n % 2 === 0 ? "refunds" : "shipping" },
    split: n % 2 === 0 ? "test" : "train",
  }));
  await call("POST", "/examples/bulk", examples);
  experiments = [
    await experiment("before", examples, () => ({ answer: "take 5 days", score: 0.5 })),
    // Better three times, worse twice, one of these because it failed.
    await experiment("after", examples, (n) => {
      if (n === 4) return { error: "429 from api.openai.com\nTraceback", score: null };
      return { answer: n < 3 ? "take 3 business days" : "take 5 days", score: n < 3 ? 1 : n === 3 ? 0 : 0.5 };
    }),
  ];
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** An experiment with a run and a score for each example, as `evaluate()` leaves it. */
async function experiment(name, examples, answerOf) {
  const { id } = await call("POST", "/sessions", { name, reference_dataset_id: dataset });
  const runs = examples.map((example, n) => {
    const { answer, error } = answerOf(n);
    return experimentRun(name, example, { answer: `Refunds for order ${n} ${answer}` }, error);
  });
  await call("POST", "/runs/batch", { post: runs });
  const scored = runs.map((run, n) => [run, answerOf(n).score]).filter(([, score]) => score !== null);
  for (let from = 0; from < scored.length; from += 40) {
    const give = ([run, score]) =>
      call("POST", "/feedback", { run_id: run.id, trace_id: run.trace_id, session_id: id, key: "correct", score });
    await Promise.all(scored.slice(from, from + 40).map(give));
  }
  return id;
}

const verdict = (page, text) => page.locator("h1", { hasText: text }).waitFor();
const path = (rest = "") => `${server.url}/app/p/default/datasets${rest}`;

test("a dataset is imported from a CSV, an example is added, corrected and compared with what it was", async () => {
  const { page, clean } = await openPage(browser.context, path());
  await page.getByRole("link", { name: "answers" }).waitFor();
  await page.getByRole("button", { name: "New dataset" }).click();
  const dialog = page.getByRole("dialog", { name: "New dataset" });
  const csv = 'question,answer\n"Where, please, is it?",On its way\nWhen?,Friday\n';
  await dialog
    .getByLabel("Examples from a file")
    .setInputFiles({ name: "faq.csv", mimeType: "text/csv", buffer: Buffer.from(csv) });
  assert.equal(await dialog.getByLabel("answer").inputValue(), "output");
  await dialog.getByRole("button", { name: "Import" }).click();
  const table = page.getByRole("table", { name: "Examples" });
  await table.getByText("Where, please, is it?").waitFor();

  await page.getByRole("button", { name: "Add example" }).click();
  const form = page.getByRole("form", { name: "New example" });
  await form.getByLabel("Input").fill('{\n "question": broken }');
  await form.getByText(/line 2/).waitFor();
  assert.ok(await form.getByRole("button", { name: "Add example" }).isDisabled());
  await form.getByLabel("Input").fill('{ "question": "Who?" }');
  await form.getByLabel("Reference output").fill('{ "answer": "Nobody knows yet" }');
  await form.getByLabel("Splits").fill("hard");
  await form.getByRole("button", { name: "Add example" }).click();
  await table.getByText("Who?").waitFor();

  const pane = page.getByRole("complementary", { name: /Example/ });
  await pane.getByText("Nobody knows yet").waitFor();
  await pane.getByRole("button", { name: "Edit" }).click();
  const edit = page.getByRole("form", { name: /Edit/ });
  await edit.getByLabel("Reference output").fill('{ "answer": "Somebody knows now" }');
  await edit.getByRole("button", { name: "Save" }).click();
  await pane.getByText("Somebody knows now").waitFor();
  assert.deepEqual(await audit(page), []);

  await page.getByRole("radio", { name: "Versions" }).click();
  await page.getByRole("heading", { name: "1 example changed" }).waitFor();
  await page.locator("ins", { hasText: "now" }).waitFor();
  assert.deepEqual(await page.locator("del").allTextContents(), ["Nobody", "yet"]);
  assert.deepEqual(await page.locator("ins").allTextContents(), ["Somebody", "now"]);
  await clean();
  await page.close();
});

test("examples are paged, selected, put into a split, exported and shared", async () => {
  const { page, clean } = await openPage(browser.context, path(`/${dataset}`));
  const table = page.getByRole("table", { name: "Examples" });
  await table.getByText("Question 0", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Next" }).click();
  await table.getByText("Question 100", { exact: true }).waitFor();

  for (const key of ["j", "x", "j", "x"]) await page.keyboard.press(key);
  await page.getByText("2 examples selected").waitFor();
  await page.getByRole("button", { name: "Split", exact: true }).click();
  await page.getByLabel("Name of the split").fill("golden");
  await page.getByRole("button", { name: "Put in" }).click();
  await page.getByRole("combobox", { name: /^Split/ }).selectOption("golden");
  await page.getByText("2 examples in golden").waitFor();

  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export" }).click();
  await page.getByRole("menuitem", { name: "JSON lines" }).click();
  const file = readFileSync(await (await download).path(), "utf8");
  assert.equal(file.trim().split("\n").length, EXAMPLES);

  await page.getByRole("button", { name: "Share" }).click();
  await page.getByRole("button", { name: "Make a link" }).click();
  const link = await page.getByRole("textbox", { name: "Link" }).inputValue();
  const token = /public\/([\w-]+)\/d$/.exec(link)?.[1];
  assert.equal((await call("GET", `/public/${token}/datasets`)).name, "answers");
  await clean();
  await page.close();
});

test("two experiments are compared: verdict, regressions, differences, traces", async () => {
  const { page, clean } = await openPage(browser.context, path(`/${dataset}?tab=experiments`));
  await page.getByLabel("Choose before").check();
  await page.getByLabel("Choose after").check();
  await page.getByRole("button", { name: "Compare" }).click();
  // The oldest is the baseline, and nothing is said before all examples are there.
  await verdict(page, "3 better, 2 worse, 115 the same");
  const grid = page.getByRole("grid", { name: "Examples" });
  const spread = (words) => grid.getByRole("img", { name: words, exact: true }).waitFor();
  await spread("120 scores: 120 × 0.5");
  await spread("119 scores: 1 × 0, 115 × 0.5, 3 × 1");
  const rows = grid.locator("[data-row]");
  assert.ok((await rows.count()) < 30, "only the rows in view are in the page");

  await page.getByRole("combobox", { name: /^Sort/ }).selectOption({ label: "Worst first" });
  await eventually(
    async () => /429 from api/.test(await rows.first().textContent()),
    "the failure is the worst",
    SLOW_MS,
  );
  assert.doesNotMatch(await rows.first().textContent(), /Traceback/);

  // The other direction turns the verdict around, and the address keeps it.
  await page.getByRole("button", { name: /correct: higher is better/ }).click();
  await verdict(page, "1 better, 4 worse, 115 the same");
  await page.reload();
  await verdict(page, "1 better, 4 worse, 115 the same");
  await page.getByRole("button", { name: /correct: lower is better/ }).click();

  await page.getByRole("button", { name: "3 better" }).click();
  await eventually(async () => (await rows.count()) === 3, "three got better", SLOW_MS);
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  const pane = page.getByRole("complementary", { name: /Example/ });
  await pane.locator("figure", { hasText: "Output" }).first().locator("ins", { hasText: "3 business" }).waitFor();
  assert.deepEqual(await audit(page), []);
  await page.keyboard.press("Escape");
  await pane.waitFor({ state: "detached" });
  await page.keyboard.press("o");
  await page.waitForURL(/\/p\/after\/traces\//);
  await clean();
  await page.close();
});

test("what does not exist is said in words", async () => {
  const gone = randomUUID();
  const { page } = await openPage(browser.context, path(`/${dataset}/compare?ids=${gone}`));
  await page.getByRole("heading", { name: "These experiments do not exist" }).waitFor();
  await page.goto(path(`/${dataset}/compare?ids=no-id`));
  await page.getByRole("heading", { name: "These experiments do not exist" }).waitFor();
  for (const id of [gone, "no-id", `${gone}/compare?ids=${experiments[0]}`]) {
    await page.goto(path(`/${id}`));
    await page.getByRole("heading", { name: "This dataset is not here" }).waitFor();
  }
  await page.getByRole("link", { name: "Show all datasets" }).click();
  await page.getByRole("link", { name: "answers" }).waitFor();
  assert.equal(experiments.length, 2);
  await page.close();
});
