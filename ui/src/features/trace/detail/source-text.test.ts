import { describe, expect, it } from "vitest";
import { sourceLine } from "./source-text";

describe("sourceLine", () => {
  it.each([
    ["gen_ai.request.model", "the attribute gen_ai.request.model"],
    ["gen_ai.prompt.*", "the attributes gen_ai.prompt.*"],
    ["span:name", "the span’s name"],
    ["span:flavour", "the span’s flavour"],
    ["event:exception", "the event exception"],
    ["resource:service.name", "the resource attribute service.name"],
    ["log:gen_ai.choice", "the log record gen_ai.choice"],
    ["inputs:model", "inside the input: model"],
    ["input.value#model", "model inside input.value"],
    ["rule:our tokens:acme.tokens", "the rule “our tokens”, which reads acme.tokens"],
  ])("says %s", (source, text) => expect(sourceLine(source)).toBe(text));
});
