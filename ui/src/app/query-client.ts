import { QueryCache, QueryClient } from "@tanstack/react-query";
import { ApiError } from "@/lib/api/client";
import { findProject, neededProject } from "./find-project";

/** What the server refused stays refused; only a server that is away or busy is asked again. */
const retry = (count: number, error: unknown): boolean =>
  count < 3 && error instanceof ApiError && (error.status === 0 || error.status === 502 || error.status === 503);

const onError = (error: unknown): void => {
  if (!(error instanceof ApiError) || error.status !== 404) return;
  const project = neededProject(location.pathname);
  // If that fails, too, the page says what it could not load.
  if (project !== null) void findProject(queryClient, project).catch(() => {});
};

export const queryClient: QueryClient = new QueryClient({
  queryCache: new QueryCache({ onError }),
  defaultOptions: {
    queries: { staleTime: 5_000, refetchOnWindowFocus: false, retry, retryDelay: (n) => Math.min(8_000, 400 * 2 ** n) },
  },
});
