// @vitest-environment jsdom
import { QueryClient } from "@tanstack/react-query";
import { afterEach, describe, expect, it, vi } from "vitest";
import { findProject, lostProject, neededProject } from "./find-project";

const answerWith = (...names: string[]) =>
  vi.stubGlobal("fetch", () => Promise.resolve(Response.json({ projects: names.map((name) => ({ name })) })));

afterEach(() => {
  vi.unstubAllGlobals();
  lostProject.set(null);
});

describe("a lost project", () => {
  it("is one that the server does not list, until it does", async () => {
    const client = new QueryClient();
    answerWith("shop");
    await findProject(client, "shop");
    expect(lostProject.get()).toBeNull();
    await findProject(client, "nowhere");
    expect(lostProject.get()).toBe("nowhere");
    await findProject(client, "shop");
    expect(lostProject.get()).toBe("nowhere");
    answerWith("shop", "nowhere");
    await findProject(client, "nowhere");
    expect(lostProject.get()).toBeNull();
  });

  it("is missed by the pages that show what it holds", () => {
    expect(neededProject("/app/p/my%20shop/traces/4bf9")).toBe("my shop");
    expect(neededProject("/base/app/p/shop/settings/project")).toBe("shop");
    expect(neededProject("/p/shop/logs")).toBe("shop");
    for (const path of [
      "/app/p/shop/datasets",
      "/app/p/shop/annotate/1",
      "/app/p/shop/settings/rules",
      "/p/shop/sql",
      "/app/projects",
    ])
      expect(neededProject(path), path).toBeNull();
  });
});
