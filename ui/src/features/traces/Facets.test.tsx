// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { facetsQuery } from "@/lib/api/queries";
import { Facets } from "./Facets";

afterEach(cleanup);

it("shows a blank value, and picks it as it is", () => {
  const client = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity } } });
  const asked = { q: "", t: "1h" };
  client.setQueryData(facetsQuery("shop", asked).queryKey, [{ field: "tag", values: [{ value: " ", count: 3 }] }]);
  const onPick = vi.fn<(field: string, value: string, how: string) => void>();
  render(
    <QueryClientProvider client={client}>
      <Facets project="shop" {...asked} onPick={onPick} />
    </QueryClientProvider>,
  );
  const value = screen.getByText("“␣”").closest("button");
  expect(value?.title).toBe("“␣”");
  if (value) fireEvent.click(value);
  expect(onPick).toHaveBeenCalledWith("tag", " ", "only");
});
