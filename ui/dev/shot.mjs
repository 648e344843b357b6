// Takes a screenshot of a page of the built UI in front of a server: `node dev/shot.mjs out.png /app/... dark 1680 1020 key:j,j wait:300`.
// BASE is the server (or `vite preview`/`vite dev`) that serves the UI, http://127.0.0.1:5173 by default.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [, , out, path = "/app/", theme = "dark", width = "1680", height = "1020", ...steps] = process.argv;
const base = process.env.BASE ?? "http://127.0.0.1:5173";
const profile = mkdtempSync(join(tmpdir(), "chromium-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  headless: true,
  viewport: { width: Number(width), height: Number(height) },
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});
try {
  const page = context.pages()[0] ?? (await context.newPage());
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) console.log(`[${message.type()}]`, message.text().slice(0, 400));
  });
  page.on("pageerror", (error) => console.log("[pageerror]", error.message.slice(0, 600)));
  await page.addInitScript((name) => localStorage.setItem("clearspan.theme", name), theme);
  await page.goto(base + path);
  await page.waitForSelector("main", { timeout: 30_000 });
  await page.waitForTimeout(900);
  for (const step of steps) {
    const [verb, ...rest] = step.split(":");
    const argument = rest.join(":");
    if (verb === "key")
      for (const key of argument.split(",")) {
        await page.keyboard.press(key);
        await page.waitForTimeout(60);
      }
    else if (verb === "click") await page.click(argument);
    else if (verb === "hover") await page.mouse.move(...argument.split(",").map(Number));
    else if (verb === "type") await page.keyboard.type(argument);
    else if (verb === "wait") await page.waitForTimeout(Number(argument));
    else if (verb === "eval") console.log(JSON.stringify(await page.evaluate(argument)));
  }
  await page.waitForTimeout(450);
  await page.screenshot({ path: out });
} finally {
  await context.close();
  rmSync(profile, { recursive: true, force: true });
}
