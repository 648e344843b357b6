import { useQueryClient } from "@tanstack/react-query";
import { Link, useRouter } from "@tanstack/react-router";
import { SearchX } from "lucide-react";
import { isAbsent } from "@/lib/api/client";
import { Button } from "@/components/Button";
import { EmptyState, ErrorState } from "@/components/Notice";
import { Page } from "@/components/PageBar";

export function PageError({ error }: { error: unknown }) {
  const router = useRouter();
  const client = useQueryClient();
  const retry = () => {
    void client.resetQueries().then(() => router.invalidate());
  };
  // Addresses without a project look for their trace first.
  if (isAbsent(error))
    return (
      <Page>
        <EmptyState
          icon={<SearchX size={24} aria-hidden />}
          title="What this address names is not here"
          actions={<Button onClick={retry}>Look again</Button>}
        >
          <p>
            {error.status === 404
              ? "It may have been deleted, or may not have arrived yet."
              : "What stands in the address is no id: it may have been cut off when it was copied."}
          </p>
          <p>
            Go to your <Link to="/">traces</Link> or to <Link to="/projects">all projects</Link>.
          </p>
        </EmptyState>
      </Page>
    );
  return (
    <Page>
      <ErrorState title="This page could not be shown" error={error} onRetry={retry} />
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
