// Debian's Chromium through playwright-core: no browser is downloaded.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export async function openBrowser(options = {}) {
  const dir = mkdtempSync(join(tmpdir(), "clearspan-chromium-"));
  const context = await chromium.launchPersistentContext(dir, {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    viewport: { width: 1440, height: 900 },
    args: ARGS,
    ...options,
  });
  // For what hangs: machines that build at the same time are slow.
  context.setDefaultTimeout(30_000);
  return {
    context,
    close: async () => {
      await context.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** A page that notes what must not happen: errors in the console, exceptions, breaches of the security policy. */
export async function openPage(context, url, { theme, size } = {}) {
  const page = await context.newPage();
  if (size) await page.setViewportSize(size);
  const problems = [];
  page.on("console", (entry) => entry.type() === "error" && problems.push(entry.text()));
  page.on("pageerror", (error) => problems.push(error.message));
  await page.addInitScript((chosen) => {
    if (chosen) localStorage.setItem("clearspan.theme", chosen);
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (event) =>
      window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`),
    );
  }, theme);
  const response = await page.goto(url);
  return {
    page,
    response,
    /** Fails when anything went wrong on the page so far. */
    clean: async () => {
      assert.deepEqual(await page.evaluate(() => window.violations), [], "content security policy");
      assert.deepEqual(problems, [], "console");
    },
  };
}

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/**
 * Violations of WCAG 2.0–2.2 A and AA, or of the rules in `only`. Goes through the debugger, so the page's policy stays
 * as it is.
 */
export async function audit(page, { only } = {}) {
  const cdp = await page.context().newCDPSession(page);
  const evaluate = async (expression) => {
    const answer = await cdp.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    if (answer.exceptionDetails) throw new Error(answer.exceptionDetails.exception?.description ?? "axe failed");
    return answer.result.value;
  };
  if (!(await evaluate("'axe' in window"))) await evaluate(axe);
  const found =
    await evaluate(`axe.run(document, { runOnly: ${JSON.stringify(only ?? RULES)}, resultTypes: ["violations"] }).then((result) =>
    JSON.stringify({ passes: result.passes.length, violations: result.violations.map((v) =>
      v.id + ": " + v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160) + " — " + n.failureSummary).join(" | ")) }))`);
  await cdp.detach();
  const { passes, violations } = JSON.parse(found);
  assert.ok(passes > (only ? 0 : 5), "axe looked at nothing");
  return violations;
}

/** Asks until `check` answers something true. */
export async function eventually(check, what, ms = 30_000) {
  const deadline = Date.now() + ms;
  let last;
  for (;;) {
    try {
      last = await check();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) throw new Error(`${what}: not within ${ms} ms (last: ${last})`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export const row = (page, text) => page.locator("[role=grid] [role=row][data-key]", { hasText: text });
