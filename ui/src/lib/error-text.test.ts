import { describe, expect, it } from "vitest";
import { errorText } from "./error-text";

describe("the text of an error", () => {
  it("names its kind once", () => {
    expect(errorText("ToolError: fx.convert timed out", "ToolError")).toEqual({
      title: "ToolError",
      rest: "fx.convert timed out",
    });
    expect(errorText("RateLimitError: 429\nTraceback", "openai.RateLimitError")).toEqual({
      title: "openai.RateLimitError",
      rest: "429\nTraceback",
    });
    expect(errorText("ValueError: no", null)).toEqual({ title: "ValueError", rest: "no" });
    expect(errorText("timeout", "timeout")).toEqual({ title: "timeout", rest: "" });
  });

  it("keeps what is not its kind", () => {
    expect(errorText("Connection refused: is it running?", null)).toEqual({
      title: "Error",
      rest: "Connection refused: is it running?",
    });
    expect(errorText("ValueError: no", "ToolError")).toEqual({ title: "ToolError", rest: "ValueError: no" });
  });
});
