import { describe, expect, it } from "vitest";
import { guessRole, ofCsv, ofLines } from "./columns";

describe("columns of a file", () => {
  it("are the first record of a CSV", () => {
    expect(ofCsv('\uFEFFquestion,"a, ""b""\nc",answer\r\n1,2,3').names).toEqual(["question", 'a, "b"\nc', "answer"]);
    expect(() => ofCsv("")).toThrow("empty");
  });

  it("are the members of the first JSON line", () => {
    expect(ofLines('\n{"q":1,"a":2}\n')).toEqual({ kind: "jsonl", names: ["q", "a"], ready: false });
    expect(ofLines('{"inputs":{},"outputs":{}}').ready).toBe(true);
    expect(() => ofLines("[1]")).toThrow("no JSON object");
  });

  it("are guessed by their names", () => {
    expect(
      ["question", "answer", "outputs.text", "expected_output", "outlook", "metadata.topic", "identity"].map(guessRole),
    ).toEqual(["input", "output", "output", "output", "input", "metadata", "input"]);
  });
});
