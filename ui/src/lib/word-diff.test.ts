import { describe, expect, it } from "vitest";
import { diffWords, fromFirstChange, inlineDiff, similarity } from "./word-diff";

const marked = (before: string, after: string) => {
  const { left, right } = diffWords(before, after);
  const draw = (list: typeof left, open: string, close: string) =>
    list.map((piece) => (piece.changed ? `${open}${piece.text}${close}` : piece.text)).join("");
  return [draw(left, "[", "]"), draw(right, "[", "]")];
};

describe("a diff by words", () => {
  it("marks what went and what came", () => {
    expect(marked("at most four sentences", "at most three sentences")).toEqual([
      "at most [four] sentences",
      "at most [three] sentences",
    ]);
    expect(marked("a b c", "a c")).toEqual(["a [b ]c", "a c"]);
    expect(marked("", "new")).toEqual(["", "[new]"]);
    expect(marked("x\ny", "x\nz\ny")).toEqual(["x\ny", "x\n[z\n]y"]);
  });

  it("takes neighbouring changes as one", () => {
    expect(marked("the old rule holds", "the very new law holds")).toEqual([
      "the [old rule] holds",
      "the [very new law] holds",
    ]);
  });

  it("compares scripts without spaces sign by sign", () => {
    expect(marked("注文を取り消せますか", "注文を変更できますか")).toEqual([
      "注文を[取り消せ]ますか",
      "注文を[変更でき]ますか",
    ]);
  });

  it("loses nothing, whatever the texts are", () => {
    let seed = 7;
    const random = (n: number) => (seed = (seed * 48_271) % 2_147_483_647) % n;
    const text = () => Array.from({ length: random(40) }, () => ["a", "b ", "\n", "ccc", " "][random(5)]).join("");
    for (let i = 0; i < 400; i++) {
      const [before, after] = [text(), text()];
      const { left, right } = diffWords(before, after);
      expect(left.map((piece) => piece.text).join("")).toBe(before);
      expect(right.map((piece) => piece.text).join("")).toBe(after);
      const kept = (list: typeof left) =>
        list
          .filter((piece) => !piece.changed)
          .map((piece) => piece.text)
          .join("");
      expect(kept(left).replaceAll(/\s/g, "")).toBe(kept(right).replaceAll(/\s/g, ""));
    }
  });

  it("gives up on texts that have nothing in common", () => {
    const before = Array.from({ length: 4_000 }, (_, i) => `a${i}`).join(" ");
    const after = Array.from({ length: 4_000 }, (_, i) => `b${i}`).join("\n");
    expect(diffWords(before, after).left).toEqual([{ text: before, changed: true }]);
  });

  it("knows how alike texts are", () => {
    expect(similarity("a b c", "a b c")).toBe(1);
    expect(similarity("a b c d", "a b x y")).toBe(0.5);
    expect(similarity("a", "b")).toBe(0);
  });
});

describe("two texts as one", () => {
  const drawn = (pieces: ReturnType<typeof inlineDiff>): string =>
    pieces.map(({ kind, text }) => ({ same: text, removed: `[-${text}-]`, added: `{+${text}+}` })[kind]).join("");

  it("marks what went before what came", () => {
    expect(drawn(inlineDiff("Refunds take 5 days.", "Refunds take 3 business days."))).toBe(
      "Refunds take [-5-]{+3 business+} days.",
    );
    expect(drawn(inlineDiff("the old rule holds", "the very new law holds"))).toBe(
      "the [-old rule-]{+very new law+} holds",
    );
    expect(drawn(inlineDiff("", "new"))).toBe("{+new+}");
    expect(inlineDiff("same", "same")).toEqual([{ kind: "same", text: "same" }]);
    expect(inlineDiff("", "")).toEqual([]);
  });

  it("loses nothing, whatever the texts are", () => {
    let seed = 7;
    const random = (n: number) => (seed = (seed * 48_271) % 2_147_483_647) % n;
    const text = () => Array.from({ length: random(40) }, () => ["a", "b ", "\n", "漢", " "][random(5)]).join("");
    for (let i = 0; i < 400; i++) {
      const [before, after] = [text(), text()];
      const pieces = inlineDiff(before, after);
      const without = (kind: string) =>
        pieces
          .filter((piece) => piece.kind !== kind)
          .map((piece) => piece.text)
          .join("");
      expect([without("added"), without("removed")]).toEqual([before, after]);
    }
  });

  it("begins shortly before the first change where there is room for little", () => {
    const pieces = inlineDiff(`${"word ".repeat(50)}old`, `${"word ".repeat(50)}new`);
    expect(drawn(fromFirstChange(pieces, 20))).toBe("… word [-old-]{+new+}");
    expect(fromFirstChange(pieces.slice(0, 1), 20)).toHaveLength(1);
  });
});
