//! From a key press to a command.

import { useEffect } from "react";
import { allCommands, type Command } from "./commands";

/** How long `g` waits for its second key. */
const PREFIX_MS = 700;

/** The name of a press in the notation of `Command.keys`. */
export function keyName(
  event: Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">,
): string {
  const mod = event.ctrlKey || event.metaKey ? "Mod+" : "";
  const alt = event.altKey ? "Alt+" : "";
  // With Alt many layouts write symbols; the digit keys are meant by their place.
  const digit = event.altKey ? /^Digit(\d)$/.exec(event.code)?.[1] : undefined;
  const key = digit ?? event.key;
  const named = key.length > 1 || mod !== "" || alt !== "";
  const shift = event.shiftKey && named ? "Shift+" : "";
  return `${mod}${alt}${shift}${mod !== "" && key.length === 1 ? key.toLowerCase() : key}`;
}

/** True when typing goes into a field, so single keys must not act. */
export function inField(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable) return true;
  if (target.tagName === "TEXTAREA" || target.tagName === "SELECT") return true;
  return target instanceof HTMLInputElement && !["checkbox", "radio", "button", "range"].includes(target.type);
}

const ACTIVATES = "button, a, summary, [role=menuitem], [role=option]";
const MOVES = "[role=tree], [role=radiogroup], [role=tablist], [role=menu], [role=separator], [role=slider]";

/** True when the key is how the focused control itself is used: Enter on a button, arrows in a tree. */
export function usedByControl(target: EventTarget | null, name: string): boolean {
  if (!(target instanceof Element)) return false;
  if (name === "Enter" || name === " ") return target.closest(ACTIVATES) !== null || target.closest(MOVES) !== null;
  if (/^(Arrow|Home$|End$|Page)/.test(name)) return target.closest(MOVES) !== null;
  return false;
}

export function findCommand(commands: Command[], name: string, field: boolean): Command | undefined {
  return commands.find(
    (command) =>
      command.keys?.includes(name) &&
      (!field || command.inFields === true) &&
      (command.when === undefined || command.when()),
  );
}

/** Installed once, by the app. */
export function useKeyDispatch(): void {
  useEffect(() => {
    let prefix = "";
    let timer = 0;
    const onKey = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.isComposing) return;
      // A dialog owns the keyboard while it is open, except for what it lets through itself.
      const field = inField(event.target) || document.querySelector("[role=dialog][data-modal]") !== null;
      const commands = allCommands();
      const name = keyName(event);
      if (usedByControl(event.target, name)) return;
      const command =
        (prefix === "" ? undefined : findCommand(commands, `${prefix} ${name}`, field)) ??
        findCommand(commands, name, field);
      window.clearTimeout(timer);
      prefix = "";
      if (command) {
        event.preventDefault();
        command.run();
        return;
      }
      if (!field && name === "g") {
        prefix = name;
        timer = window.setTimeout(() => (prefix = ""), PREFIX_MS);
      }
    };
    window.addEventListener("keydown", onKey);
    return () => {
      window.removeEventListener("keydown", onKey);
      window.clearTimeout(timer);
    };
  }, []);
}

const SYMBOLS: Record<string, string> = {
  Mod: typeof navigator !== "undefined" && /Mac|iPhone|iPad/.test(navigator.userAgent) ? "⌘" : "Ctrl",
  Shift: "⇧",
  Alt: "⌥",
  ArrowDown: "↓",
  ArrowUp: "↑",
  ArrowLeft: "←",
  ArrowRight: "→",
  Enter: "↵",
  Escape: "Esc",
  " ": "Space",
};

/** How a key is written on screen: `⇧E`, `⌘K`, `G then T`. */
export function keyLabel(name: string): string {
  if (/^\S+ \S+$/.test(name)) return name.split(" ").map(keyLabel).join(" then ");
  if (/^[A-Z]$/.test(name)) return `⇧${name}`;
  return name
    .split(/\+(?=.)/)
    .map((part) => SYMBOLS[part] ?? (part.length === 1 ? part.toUpperCase() : part))
    .join(SYMBOLS.Mod === "Ctrl" && name.startsWith("Mod+") ? " " : "");
}
