import { describe, expect, it } from "vitest";
import { parseRunAddress } from "./run-link";

const trace = "4bf92f35-77b3-4da6-a3ce-929d0e0e4736";
const run = "00000000-0000-0000-00f0-67aa0ba902b7";

describe("parseRunAddress", () => {
  it.each([
    [
      `https://obs.acme.dev/base/app/p/my%20shop/traces/${trace}?axis=cost&span=${run}`,
      { project: "my shop", trace, run },
    ],
    [`/app/p/shop/traces/${trace}`, { project: "shop", trace, run: undefined }],
    [`http://127.0.0.1:4318/app/t/4bf92f3577b34da6a3ce929d0e0e4736/00f067aa0ba902b7`, { trace, run }],
    ["trace 4BF92F3577B34DA6A3CE929D0E0E4736, span 00f067aa0ba902b7", { trace, run }],
    [`${trace} ${run}`, { trace, run }],
    [` ${trace} `, { trace, run: undefined }],
  ])("reads %s", (text, address) => expect(parseRunAddress(text)).toEqual(address));

  it.each(["", "hello", "https://acme.dev/other", "12345", `${trace} ${run} ${run}`])("refuses %j", (text) =>
    expect(parseRunAddress(text)).toBeNull(),
  );
});
