import { describe, expect, it } from "vitest";
import { alignMessages } from "./align";
import { applyDraft, type DraftMessage, draftOf, emptyManifest } from "./edit";
import { kwargsOf, promptNode, readManifest } from "./manifest";
import { segmentsOf, variablesOf } from "./template";

const node = (name: string, kwargs: object) => ({
  lc: 1,
  type: "constructor",
  id: ["langchain", "prompts", name],
  kwargs,
});
const template = (text: string, format = "f-string") =>
  node("PromptTemplate", {
    template: text,
    template_format: format,
    input_variables: variablesOf(text, "f-string"),
    kept: 1,
  });
const system = node("SystemMessagePromptTemplate", { prompt: template("Be {tone}.") });
const human = node("HumanMessagePromptTemplate", { prompt: template("{question}") });
const history = node("MessagesPlaceholder", { variable_name: "history", optional: true });
const picture = node("HumanMessagePromptTemplate", {
  prompt: [
    template("What is it?"),
    node("ImagePromptTemplate", { template: { url: "{url}" }, input_variables: ["url"] }),
  ],
});
const chat = node("ChatPromptTemplate", {
  messages: [system, history, human],
  input_variables: ["question", "tone"],
  optional_variables: ["history"],
  partial_variables: { history: [] },
});

describe("templates", () => {
  it("find their variables", () => {
    expect(variablesOf('{a} {{no}} {b!r} {c:>4} {d.e} {f[0]} {a} {{"x": {g}}}', "f-string")).toEqual([
      "a",
      "b",
      "c",
      "d",
      "f",
      "g",
    ]);
    expect(variablesOf("{{a}} {{{b}}} {{&c}} {{#d}}{{inner}}{{/d}} {{!note}} {{e.f}}", "mustache")).toEqual([
      "a",
      "b",
      "c",
      "d",
      "e",
    ]);
    expect(variablesOf("{{ a }} {% for x in y %}{{ x.z | upper }}{% endfor %} {# c #}", "jinja2")).toEqual(["a", "x"]);
    expect(variablesOf("{a}", "none")).toEqual([]);
  });

  it("lose nothing", () => {
    for (const format of ["f-string", "mustache", "jinja2", "none"] as const)
      for (const text of ["", "{", "}}{", "a {b} {{c}} {{{d}}} {% e %} f", "{\n}"])
        expect(
          segmentsOf(text, format)
            .map((one) => one.text)
            .join(""),
        ).toBe(text);
  });
});

describe("a manifest", () => {
  it("is read with its model, without secrets", () => {
    const model = node("ChatOpenAI", {
      model_name: "gpt-4o",
      temperature: 0,
      openai_api_key: { type: "secret", id: ["K"] },
    });
    const read = readManifest(node("RunnableSequence", { first: chat, last: model }));
    expect(read.kind).toBe("chat");
    if (read.kind !== "chat") return;
    expect(read.messages.map((message) => message.role)).toEqual(["system", "messages", "user"]);
    expect(read.variables).toEqual(["tone", "history", "question"]);
    expect(read.model).toEqual({
      name: "ChatOpenAI",
      settings: [
        ["model_name", "gpt-4o"],
        ["temperature", 0],
      ],
    });
  });

  it("may be files, or nothing that is known", () => {
    expect(
      readManifest({ files: { "b.md": { type: "file", content: "B" }, a: { type: "skill", repo_handle: "x" } } }),
    ).toEqual({
      kind: "files",
      files: [
        { path: "a", content: null, link: { kind: "skill", name: "x" } },
        { path: "b.md", content: "B", link: null },
      ],
    });
    for (const other of [null, [], {}, { lc: 1 }, node("ChatOpenAI", {})])
      expect(readManifest(other).kind).toBe("unknown");
  });
});

describe("a draft", () => {
  const edited = (manifest: unknown, change: (draft: DraftMessage[]) => DraftMessage[]) =>
    kwargsOf(promptNode(applyDraft(manifest, change(draftOf(manifest) ?? []))));

  it("gives back what it was made of", () => {
    for (const manifest of [
      chat,
      template("{x}"),
      node("RunnableSequence", { first: chat, last: node("ChatOpenAI", {}) }),
      emptyManifest(),
    ])
      expect(applyDraft(manifest, draftOf(manifest) ?? [])).toEqual(manifest);
  });

  it("changes only what was typed into", () => {
    const kwargs = edited(chat, (draft) =>
      draft.map((one) => (one.role === "user" ? { ...one, text: "{q} in {lang}" } : one)),
    );
    expect(kwargs.input_variables).toEqual(["lang", "q", "tone"]);
    const [first, second, third] = kwargs.messages as unknown[];
    expect(first).toBe(system);
    expect(second).toBe(history);
    expect(kwargsOf(kwargsOf(third).prompt)).toEqual({
      template: "{q} in {lang}",
      template_format: "f-string",
      input_variables: ["lang", "q"],
      kept: 1,
    });
  });

  it("adds, removes and renames", () => {
    const kwargs = edited(chat, (draft) => [
      draft[0],
      { key: 9, role: "developer", text: "Know {x}.", format: "f-string", source: null },
      { key: 10, role: "messages", text: null, format: "f-string", variable: "past", optional: false, source: null },
    ]);
    expect(kwargs.input_variables).toEqual(["past", "tone", "x"]);
    expect(kwargs.optional_variables).toEqual([]);
    expect(kwargs.partial_variables).toEqual({});
    const [, added, placeholder] = kwargs.messages as unknown[];
    expect(kwargsOf(added).role).toBe("developer");
    expect(kwargsOf(placeholder)).toEqual({ variable_name: "past", optional: false });
  });

  it("leaves alone what is no text", () => {
    const manifest = node("ChatPromptTemplate", { messages: [picture], input_variables: ["url"] });
    expect(draftOf(manifest)?.[0].text).toBeNull();
    expect(applyDraft(manifest, draftOf(manifest) ?? [])).toEqual(manifest);
    expect(draftOf({ lc: 1 })).toBeNull();
  });
});

describe("two versions", () => {
  it("pair the messages that belong together", () => {
    const say = (role: string, text: string) => ({ role, text });
    const pairs = (before: ReturnType<typeof say>[], after: ReturnType<typeof say>[]) =>
      alignMessages(before, after).map(({ before: a, after: b }) => `${a?.text ?? "-"}>${b?.text ?? "-"}`);
    const [s, u] = [say("system", "Be kind and short"), say("user", "{question}")];
    expect(pairs([s, u], [say("system", "Be kind and long"), u])).toEqual([
      "Be kind and short>Be kind and long",
      "{question}>{question}",
    ]);
    expect(pairs([s, u], [s, say("user", "My tent leaks"), say("assistant", "Oh"), u])).toEqual([
      "Be kind and short>Be kind and short",
      "->My tent leaks",
      "->Oh",
      "{question}>{question}",
    ]);
    expect(pairs([u], [s])).toEqual(["{question}>-", "->Be kind and short"]);
    expect(pairs([say("user", "old text")], [say("user", "something else")])).toEqual(["old text>something else"]);
  });
});
