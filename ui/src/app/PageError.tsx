import { useQueryClient } from "@tanstack/react-query";
import { Link, useRouter } from "@tanstack/react-router";
import { SearchX } from "lucide-react";
import { ApiError } from "@/lib/api/client";
import { EmptyState, ErrorState } from "@/components/Notice";
import { Page } from "@/components/PageBar";

export function PageError({ error }: { error: unknown }) {
  const router = useRouter();
  const client = useQueryClient();
  const retry = () => {
    void client.resetQueries().then(() => router.invalidate());
  };
  const title = error instanceof ApiError && error.status === 404 ? "Not found" : "This page could not be shown";
  return (
    <Page>
      <ErrorState title={title} error={error} onRetry={retry} />
    </Page>
  );
}

export function NotFound() {
  return (
    <Page>
      <EmptyState icon={<SearchX size={24} aria-hidden />} title="There is no page at this address">
        <p>
          Go to your <Link to="/">traces</Link>.
        </p>
      </EmptyState>
    </Page>
  );
}
