import { describe, expect, it } from "vitest";
import { findCommand, keyLabel, keyName } from "./keys";

const press = (key: string, more: Partial<KeyboardEvent> = {}) =>
  keyName({ key, code: "", ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...more });

describe("keyName", () => {
  it("puts shift into printable keys and names it on others", () => {
    expect(press("j")).toBe("j");
    expect(press("E", { shiftKey: true })).toBe("E");
    expect(press("$", { shiftKey: true })).toBe("$");
    expect(press("ArrowLeft", { shiftKey: true })).toBe("Shift+ArrowLeft");
    expect(press("K", { metaKey: true })).toBe("Mod+k");
    expect(press("¡", { altKey: true, code: "Digit1" })).toBe("Alt+1");
  });
});

describe("findCommand", () => {
  const run = () => {};
  const commands = [
    { id: "a", title: "A", group: "", keys: ["j", "ArrowDown"], run },
    { id: "b", title: "B", group: "", keys: ["Escape"], run, inFields: true },
  ];
  it("keeps single keys out of text fields", () => {
    expect(findCommand(commands, "ArrowDown", false)?.id).toBe("a");
    const off = [
      { ...commands[0], when: () => false },
      { ...commands[0], id: "c" },
    ];
    expect(findCommand(off, "j", false)?.id).toBe("c");
    expect(findCommand(commands, "j", true)).toBeUndefined();
    expect(findCommand(commands, "Escape", true)?.id).toBe("b");
  });
});

it("labels keys as the keyboard does", () => {
  expect(keyLabel("E")).toBe("⇧E");
  expect(keyLabel("g t")).toBe("G then T");
  expect(keyLabel("Shift+ArrowLeft")).toBe("⇧←");
  expect(keyLabel("+")).toBe("+");
});
