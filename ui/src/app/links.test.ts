import { describe, expect, it, vi } from "vitest";
import { readLink } from "./links";

vi.mock("./query-client", () => ({ queryClient: {} }));

const below = (path: string, search = {}) => ({ page: "workspace", path, search });

describe("addresses that SDKs print", () => {
  it("leads each to its page", () => {
    const cases: [string, Record<string, string>, unknown][] = [
      ["projects/p/P", {}, { page: "project", id: "P" }],
      ["projects/p/P", { tab: "3", clusterJobId: "J" }, { page: "project", id: "P" }],
      ["projects/p/P/r/R", { poll: "true" }, { page: "run", id: "R" }],
      ["projects", {}, { page: "home" }],
      ["datasets", {}, below("datasets")],
      ["datasets/D", {}, below("datasets/D", { example: undefined })],
      ["datasets/D/e/E", {}, below("datasets/D", { example: "E" })],
      [
        "datasets/D/compare",
        { selectedSessions: "A,B", comparativeExperiment: "C" },
        below("datasets/D/compare", { ids: "A,B", pair: "C" }),
      ],
      ["annotation-queues/Q", {}, below("annotate/Q")],
      ["prompts", {}, below("prompts")],
      ["prompts/greeting", { organizationId: "T" }, below("prompts/greeting", { commit: undefined })],
      ["prompts/greeting/0a1b2c3d", { organizationId: "T" }, below("prompts/greeting", { commit: "0a1b2c3d" })],
      ["hub/acme/greeting:0a1b2c3d", {}, below("prompts/greeting", { commit: "0a1b2c3d" })],
      ["hub/acme/greeting/0a1b2c3d", {}, below("prompts/greeting", { commit: "0a1b2c3d" })],
      ["hub/acme/greeting", {}, below("prompts/greeting", { commit: undefined })],
      ["hub", {}, below("prompts")],
      ["context/researcher/0a1b2c3d", {}, below("prompts/researcher", { commit: "0a1b2c3d" })],
      ["something/new", {}, { page: "home" }],
    ];
    for (const [path, search, named] of cases) expect(readLink(path, search), path).toEqual(named);
  });
});
