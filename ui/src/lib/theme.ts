//! Light, dark or as the system says. Written to <html data-theme>; the tokens follow.

import { readSetting, writeSetting } from "./storage";
import { createStore } from "./store";

export type ThemeChoice = "system" | "light" | "dark";

const CHOICES: ThemeChoice[] = ["system", "light", "dark"];
const prefersDark = typeof matchMedia === "undefined" ? null : matchMedia("(prefers-color-scheme: dark)");

export const themeChoice = createStore<ThemeChoice>(
  CHOICES.find((choice) => choice === readSetting("theme")) ?? "system",
);

/** The theme on screen: canvases redraw when it changes. */
export const theme = createStore<"light" | "dark">("light");

function apply(): void {
  const choice = themeChoice.get();
  const shown = choice === "system" ? (prefersDark?.matches ? "dark" : "light") : choice;
  document.documentElement.dataset.theme = shown;
  theme.set(shown);
}

export function startTheme(): void {
  apply();
  prefersDark?.addEventListener("change", apply);
}

export function chooseTheme(choice: ThemeChoice): void {
  themeChoice.set(choice);
  writeSetting("theme", choice === "system" ? null : choice);
  apply();
}

/** What ⇧T does: the other theme first, then back to the system's. */
export function nextTheme(): ThemeChoice {
  const order: ThemeChoice[] = prefersDark?.matches ? ["system", "light", "dark"] : ["system", "dark", "light"];
  const next = order[(order.indexOf(themeChoice.get()) + 1) % order.length];
  chooseTheme(next);
  return next;
}
