import { QueryClient } from "@tanstack/react-query";
import { ApiError } from "@/lib/api/client";

/** What the server refused stays refused; only a server that is away or busy is asked again. */
const retry = (count: number, error: unknown): boolean =>
  count < 3 && error instanceof ApiError && (error.status === 0 || error.status === 502 || error.status === 503);

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: { staleTime: 5_000, refetchOnWindowFocus: false, retry, retryDelay: (n) => Math.min(8_000, 400 * 2 ** n) },
  },
});
