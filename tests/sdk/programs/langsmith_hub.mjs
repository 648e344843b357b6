// LangSmith's JavaScript client: prompts, annotation queues, and what is shared with everyone.
//
// Arguments: the names' common beginning, and the release (`new` or `old`).
import { randomUUID } from "node:crypto";
import { Client } from "langsmith";
import { all, refusal, report } from "./langsmith_shared.mjs";

const [prefix, release] = process.argv.slice(2);
const client = new Client();

const manifest = (text) => ({
  lc: 1,
  type: "constructor",
  id: ["langchain_core", "prompts", "chat", "ChatPromptTemplate"],
  kwargs: { messages: [["system", text], ["user", "{q}"]], input_variables: ["q"] },
});
const textOf = (commit) => commit.manifest.kwargs.messages[0][1];
const pull = async (reference) => textOf(await client.pullPromptCommit(reference, { skipCache: true }));

async function prompts() {
  const name = `${prefix}-prompt`;
  const url = await client.pushPrompt(name, {
    object: manifest("be kind"),
    description: "d",
    readme: "read me",
    tags: ["t"],
    ...(release === "new" && { commitTags: ["prod"], commitDescription: "the first" }),
  });
  await client.createCommit(name, manifest("be brief"));
  const again = await refusal(client.createCommit(name, manifest("be brief")));
  const stale = await refusal(client.createCommit(name, manifest("be late"), { parentCommitHash: "0".repeat(64) }));
  const commits = await all(client.listCommits(`-/${name}`));
  const [last, first] = commits;
  const likes = [(await client.likePrompt(name)).likes, (await client.getPrompt(name)).num_likes];
  await client.unlikePrompt(name);
  const prompt = await client.getPrompt(name);
  await client.updatePrompt(name, { description: "changed", tags: ["t", "u"] });
  const changed = await client.getPrompt(name);
  const listed = await all(client.listPrompts({ query: prefix }));
  await client.updatePrompt(name, { isArchived: true });
  const archived = await all(client.listPrompts({ query: prefix }));
  const found = {
    // Older releases name no commit in the address that they give.
    url: url.includes(`/prompts/${name}`) && (release === "old" || url.includes(first.commit_hash.slice(0, 8))),
    refused: [again, stale],
    commits: commits.length,
    parents: [last.parent_commit_hash === first.commit_hash, first.parent_commit_hash ?? null],
    latest: [await pull(name), await pull(`${name}:latest`)],
    hashes: [await pull(`${name}:${first.commit_hash}`), await pull(`${name}:${first.commit_hash.slice(0, 8)}`)],
    tagged: release === "new" ? await pull(`${name}:prod`) : null,
    prompt: [prompt.num_commits, prompt.description, prompt.readme, prompt.tags, prompt.is_public],
    changed: [changed.description, changed.tags],
    likes: [...likes, prompt.num_likes],
    listed: [listed.map((each) => each.repo_handle), archived.length],
    missing: [await client.promptExists(`${prefix}-nothing`), await refusal(client.pullPromptCommit(`${prefix}-nothing`))],
  };
  await client.deletePrompt(name);
  return { ...found, exists: await client.promptExists(name) };
}

/** A prompt that everyone may read is asked for by its owner's name. */
async function publicPrompt() {
  const name = `${prefix}-public`;
  const { owner, is_public } = await client.createPrompt(name, { isPublic: true });
  await client.createCommit(name, manifest("be open"));
  const pulled = await client.pullPromptCommit(`${owner}/${name}`, { dangerouslyPullPublicPrompt: true });
  const listed = await all(client.listPrompts({ query: prefix, isPublic: true }));
  return { is_public, pulled: textOf(pulled), listed: listed.map((each) => each.repo_handle) };
}

/** Folders of files that newer releases keep beside the prompts. */
async function skills() {
  const name = `${prefix}-skill`;
  await client.pushSkill(name, { files: { "SKILL.md": { type: "file", content: "# Be kind" } }, description: "s" });
  const pulled = await client.pullSkill(name);
  const listed = await all(client.listSkills({ query: prefix }));
  const before = await client.skillExists(name);
  await client.deleteSkill(name);
  return {
    files: Object.entries(pulled.files).map(([path, file]) => [path, file.content]),
    listed: listed.map((each) => each.repo_handle),
    exists: [before, await client.skillExists(name)],
  };
}

/** Two traces of two runs each, made by hand; their roots. */
async function trace(projectName) {
  const roots = [];
  for (const [at, name] of ["first", "second"].entries()) {
    const [root, child] = [randomUUID(), randomUUID()];
    const start = new Date(Date.now() - 10_000 + at * 1000).toISOString();
    const stamp = start.replace(/[-:.]/g, "").replace("Z", "000Z");
    const common = { start_time: start, trace_id: root, project_name: projectName, run_type: "chain" };
    await client.createRun({ ...common, id: root, name, inputs: { at }, dotted_order: `${stamp}${root}` });
    const below = { ...common, id: child, name: `${name} step`, inputs: {}, parent_run_id: root };
    await client.createRun({ ...below, dotted_order: `${stamp}${root}.${stamp}${child}` });
    roots.push({ id: root, trace_id: root, start_time: start });
  }
  await client.awaitPendingTraceBatches();
  const { id: session_id } = await client.readProject({ projectName });
  return roots.map((root) => ({ ...root, session_id }));
}

async function queues([first, second]) {
  const queue = await client.createAnnotationQueue({
    name: `${prefix}-triage`,
    description: "look at these",
    rubricInstructions: "be kind",
    ...(release === "new" && { rubricItems: [{ feedback_key: "stars", description: "how good", is_required: true }] }),
  });
  const again = await refusal(client.createAnnotationQueue({ name: "again", queueId: queue.id }));
  const listed = await all(client.listAnnotationQueues({ name: `${prefix}-triage` }));
  await client.updateAnnotationQueue(queue.id, { name: `${prefix}-renamed`, rubricInstructions: "be strict" });
  const read = await client.readAnnotationQueue(queue.id);
  const byKey = [{ runId: first.id, sessionId: first.session_id, startTime: first.start_time }];
  await client.addRunsToAnnotationQueue(queue.id, release === "new" ? byKey : [first.id]);
  await client.addRunsToAnnotationQueue(queue.id, [second.id]);
  const waiting = await Promise.all([0, 1].map((at) => client.getRunFromAnnotationQueue(queue.id, at)));
  const listedRuns = release === "new" ? await all(client.listRunsFromAnnotationQueue(queue.id)) : null;
  const sizes = [(await client.getSizeFromAnnotationQueue(queue.id)).size];
  await client.deleteRunFromAnnotationQueue(queue.id, first.id);
  sizes.push((await client.getSizeFromAnnotationQueue(queue.id)).size);
  const left = await client.getRunFromAnnotationQueue(queue.id, 0);
  await client.deleteAnnotationQueue(queue.id);
  return {
    again,
    listed: listed.map((each) => each.id === queue.id),
    read: [read.name, read.description, read.rubric_instructions],
    rubric: (read.rubric_items ?? []).map((item) => [item.feedback_key, item.description, item.is_required]),
    waiting: waiting.map((run) => [run.name, Boolean(run.added_at)]),
    runs: listedRuns && listedRuns.map((run) => run.name),
    sizes,
    left: left.name,
    gone: await refusal(client.readAnnotationQueue(queue.id)),
  };
}

/** A shared run is read without the key that made it. */
async function sharing([first]) {
  const before = await client.readRunSharedLink(first.id);
  const url = await client.shareRun(first.id);
  const link = await client.readRunSharedLink(first.id);
  const token = url.split("/").at(-2);
  const runs = await client.listSharedRuns(token);
  const [child] = runs.filter((run) => run.id !== first.id);
  const some = await client.listSharedRuns(token, { runIds: [child.id] });
  await client.unshareRun(first.id);
  return {
    before: before ?? null,
    same: link === url,
    runs: runs.map((run) => run.name).sort(),
    some: some.map((run) => run.id).join() === child.id,
    after: [(await client.readRunSharedLink(first.id)) ?? null, await refusal(client.listSharedRuns(token))],
  };
}

/** The same with the generated client of the second version. */
async function sharingAgain([, second]) {
  const { id, trace_id, session_id } = second;
  const { share_token: token } = await client.runs.share.create(id, { session_id, trace_id });
  const { items: runs } = await client.public.runs.query(token, { selects: ["ID", "NAME"] });
  await client.runs.share.delete(trace_id, { session_id });
  return { runs: runs.map((run) => run.name).sort(), gone: await refusal(client.public.runs.query(token, {})) };
}

const runs = await trace(`${prefix}-runs`);
report({
  prompts: await prompts(),
  publicPrompt: await publicPrompt(),
  queues: await queues(runs),
  sharing: await sharing(runs),
  ...(release === "new" && { skills: await skills(), sharingAgain: await sharingAgain(runs) }),
});
