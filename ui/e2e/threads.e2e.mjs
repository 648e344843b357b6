// Conversations, feedback on runs, and annotation queues.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { audit, eventually as eventuallyWithin, openBrowser, openPage } from "./lib/browser.mjs";
import { caller } from "./lib/langsmith.mjs";
import { agentTrace, runIdOf, send } from "./lib/otlp.mjs";
import { startServer } from "./lib/server.mjs";

const LONG = 150;
/** Generous: what is looked for comes, and the machine may be busy. */
const PATIENCE_MS = 30_000;
const eventually = (check, what) => eventuallyWithin(check, what, PATIENCE_MS);
let server, call, browser, turns;
before(async () => {
  server = await startServer();
  call = caller(server);
  browser = await openBrowser();
  browser.context.setDefaultTimeout(PATIENCE_MS);
  const start = Date.now() - 3_600_000;
  const turn = (of) => agentTrace({ name: "trip-planner", thread: "thr/kyoto 1", user: "usr_20418", ms: 900, ...of });
  turns = [
    turn({ start, question: "Plan nine days in Kyoto", answer: "Four nights, **then** Naoshima.", tokens: [400, 50] }),
    turn({ start: start + 60_000, question: "What about the ryokan?", answer: "Booked.", tool: "hotels.search" }),
    turn({
      start: start + 120_000,
      question: "Just book it",
      tool: "fx.convert",
      error: "ToolError: fx.convert timed out",
    }),
  ];
  const long = Array.from({ length: LONG }, (_, index) =>
    agentTrace({
      thread: "long",
      start: start - 7_200_000 + index * 1000,
      ms: 500,
      question: `Question ${index + 1}`,
      answer: `Answer ${index + 1}`,
    }),
  );
  await send(
    server.url,
    [...turns, ...long].flatMap((one) => one.spans),
    { project: "travel" },
  );
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const open = (path, options) => openPage(browser.context, `${server.url}/app/p/travel${path}`, options);
const feedbackOn = (run) => call("GET", `/feedback?run=${run}`);
const runOf = ({ rootId }) => runIdOf(rootId);

test("a thread is found by its words and read turn by turn", async () => {
  const { page, clean } = await open("/threads?t=all");
  const rows = page.getByRole("table", { name: /Threads/ }).locator("tbody tr");
  await eventually(async () => (await rows.count()) === 2, "both threads are listed");
  assert.match(await rows.first().textContent(), /usr_20418.*Plan nine days.*ToolError/);
  await page.getByLabel("Find threads").fill("ryokan");
  await eventually(async () => (await rows.count()) === 1, "one thread speaks of the ryokan");
  assert.deepEqual(await audit(page), []);
  await page.keyboard.press("Escape");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");

  const turn = (number) => page.getByRole("article", { name: `Turn ${number}`, exact: true });
  await turn(3).getByText("No answer was returned.").waitFor();
  await page.getByText("Last turn failed").waitFor();
  await turn(3).locator("[title^='fx.convert: 1 of 1']").waitFor();
  assert.equal(await turn(3).getAttribute("aria-current"), "true");
  await turn(1).locator("strong", { hasText: "then" }).waitFor();
  await page.keyboard.press("k");
  await eventually(
    () => new URL(page.url()).searchParams.get("turn") === turns[1].traceId,
    "the address names the turn",
  );
  await page.keyboard.press("o");
  await turn(2).getByRole("list", { name: "Tool calls" }).getByText("hotels.search").waitFor();
  await page.evaluate(() => {
    navigator.clipboard.writeText = (text) => Promise.resolve((window.copied = text));
  });
  await page.keyboard.press("Shift+C");
  const copied = await eventually(() => page.evaluate(() => window.copied), "the thread is copied");
  assert.match(copied, /## Turn 1[\s\S]*Four nights, \*\*then\*\* Naoshima\.[\s\S]*> \*\*Failed:\*\* ToolError/);
  assert.deepEqual(await audit(page), []);
  const { spans } = agentTrace({ thread: "thr/kyoto 1", question: "And now?", answer: "Now it is booked." });
  await send(server.url, spans, { project: "travel" });
  await turn(4).getByText("Now it is booked.").waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "thread thr/kyoto 1" }).click();
  await turn(2).waitFor();
  await clean();
  await page.close();
});

test("of a long thread only what is near the view is on the page", async () => {
  const { page, clean } = await open("/threads/long");
  const said = (text) => page.getByRole("region", { name: "Conversation" }).getByText(text, { exact: true });
  await said(`Answer ${LONG}`).waitFor();
  const written = () => page.locator("article:has(> *)").count();
  assert.ok((await written()) < 40, "far turns are empty");
  await page.keyboard.press("Home");
  await said("Answer 1").waitFor();
  assert.ok(await said("Question 1").isVisible());
  await eventually(async () => (await written()) < 40, "the end is empty again");
  await clean();
  await page.close();
});

test("feedback is given, changed and taken back beside the run", async () => {
  const config = {
    type: "categorical",
    categories: [
      { value: 1, label: "right" },
      { value: 0, label: "wrong" },
    ],
  };
  await call("POST", "/feedback-configs", { feedback_key: "correctness", feedback_config: config });
  const run = runOf(turns[0]);
  const { page, clean } = await open(`/traces/${turns[0].traceId}?tab=feedback`);
  await page.getByRole("button", { name: "Give feedback" }).click();
  const form = page.getByRole("form", { name: "New feedback" });
  await form.getByLabel("Key").fill("correctness");
  await form.getByRole("button", { name: "right" }).click();
  await form.getByLabel("Comment").fill("Checked.");
  assert.deepEqual(await audit(page), []);
  await form.getByRole("button", { name: "Give feedback" }).click();
  const card = page.getByRole("article", { name: "Feedback correctness" });
  await card.getByText("Checked.").waitFor();
  const [given] = await feedbackOn(run);
  assert.deepEqual([given.score, given.value, given.trace_id], [1, "right", turns[0].traceId]);
  await page.getByRole("img", { name: /feedback: correctness 1/ }).waitFor();

  await card.getByRole("button", { name: "Change correctness" }).click();
  await page.getByRole("form", { name: "Change correctness" }).getByRole("button", { name: "wrong" }).click();
  await page.getByRole("button", { name: "Save" }).click();
  await eventually(async () => (await feedbackOn(run))[0].score === 0, "the score is changed");
  await card.getByRole("button", { name: "Delete correctness" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete feedback" }).click();
  await eventually(async () => (await feedbackOn(run)).length === 0, "the feedback is gone");

  await page.getByRole("tab", { name: "Feedback" }).focus();
  await page.keyboard.press("d");
  await page.getByLabel("Name of a new dataset").fill("Golden trips");
  await page.getByRole("button", { name: "Create dataset and add" }).click();
  await page.getByRole("status").getByText("Golden trips").waitFor();
  const [dataset] = await call("GET", "/datasets?name=Golden%20trips");
  const [example] = await call("GET", `/examples?dataset=${dataset.id}`);
  assert.equal(example.source_run_id, run);
  await clean();
  await page.close();
});

test("a queue is made, filled and worked through by keys", async () => {
  const { page, clean } = await open("/annotate");
  await page.getByRole("button", { name: "New queue" }).first().click();
  const form = page.getByRole("form", { name: "New queue" });
  await form.getByLabel("Name").fill("Weekly review");
  await form.getByRole("button", { name: "Add a feedback key" }).click();
  await form.getByLabel("Feedback key").fill("tone");
  await form.getByLabel("Labels").fill("warm: friendly\ncold: like a form");
  await form.getByLabel("Has to be answered").check();
  assert.deepEqual(await audit(page), []);
  await form.getByRole("button", { name: "Create queue" }).click();
  await page.getByRole("link", { name: "Weekly review" }).waitFor();
  const [queue] = await call("GET", "/annotation-queues?name=Weekly%20review");
  const [first, second, third] = turns.map(runOf);
  await call("POST", `/annotation-queues/${queue.id}/runs`, [first, second, third]);

  await page.getByRole("link", { name: "Weekly review" }).click();
  const at = (run) => eventually(() => new URL(page.url()).searchParams.get("run") === run, "the item is shown");
  await at(first);
  await page.getByText("0 of 3 done").waitFor();
  await page.getByRole("region", { name: "Item" }).getByText("Plan nine days in Kyoto").waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("alert").filter({ hasText: "tone has to be answered." }).waitFor();
  await page.keyboard.press("1");
  await page.keyboard.press("c");
  await page.keyboard.type("Fine");
  await page.keyboard.press("Enter");
  await at(second);
  await page.getByText("1 of 3 done").waitFor();
  const [given] = await eventually(async () => {
    const found = await feedbackOn(first);
    return found.length > 0 && found;
  }, "the answer is saved");
  assert.deepEqual([given.key, given.value, given.comment], ["tone", "warm", "Fine"]);
  assert.deepEqual(await audit(page), []);

  await page.keyboard.press("u");
  await at(first);
  await eventually(async () => (await feedbackOn(first)).length === 0, "the save is taken back");
  await page.keyboard.press("Enter");
  await at(second);
  await page.keyboard.press("s");
  await at(third);
  await page.keyboard.press("2");
  await page.keyboard.press("Enter");
  await at(second);
  await page.keyboard.press("2");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "The queue is done" }).waitFor();
  await eventually(async () => {
    const { size } = await call("GET", `/annotation-queues/${queue.id}/total_archived`);
    return size === 3;
  }, "all three are done");
  await clean();
  await page.close();
});

test("a thread is opened whatever its id, also one that paths would lose", async () => {
  const ids = ["..", ".", "~a", "a%2Fb"];
  const made = ids.map((thread, index) => agentTrace({ thread, question: `Asked of thread ${index}` }));
  await send(
    server.url,
    made.flatMap((one) => one.spans),
    { project: "odd" },
  );
  for (const [index, id] of ids.entries()) {
    const { page, clean } = await openPage(browser.context, `${server.url}/app/p/odd/threads?t=all`);
    const rows = page.getByRole("table", { name: /Threads/ }).locator("tbody tr");
    await rows
      .filter({ hasText: `of thread ${index}` })
      .getByRole("link")
      .first()
      .click();
    await page.waitForURL(/\/threads\/./);
    await page.reload();
    await eventually(async () => (await page.locator("[data-turn]").count()) === 1, `the turn of ${id}`);
    await page.locator("[data-turn]").getByText(`of thread ${index}`).waitFor();
    await clean();
    await page.close();
  }
});
