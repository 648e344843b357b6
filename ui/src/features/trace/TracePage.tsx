import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useEffect, useMemo } from "react";
import { isAbsent } from "@/lib/api/client";
import { useTraceEvents } from "@/lib/api/events";
import { skeletonQuery } from "@/lib/api/queries";
import { shownName } from "@/lib/visible-text";
import { EmptyState, ErrorState } from "@/components/Notice";
import { Page, PageBar } from "@/components/PageBar";
import { buildModel } from "./model/build";
import { useNow } from "./state/useNow";
import { Bones } from "./view/Bones";
import { TraceView } from "./view/TraceView";

const route = getRouteApi("/p/$project/traces/$traceId");

export function TracePage() {
  const { project, traceId } = route.useParams();
  const search = route.useSearch();
  const client = useQueryClient();
  const query = useQuery(skeletonQuery(traceId, project));
  const skeleton = query.data;
  const now = useNow(skeleton);
  const model = useMemo(() => (skeleton ? buildModel(skeleton, now) : null), [skeleton, now]);
  useTraceEvents(project, (ids) => {
    const here = skeleton?.trace_id ?? traceId;
    if (ids.includes(here)) void client.invalidateQueries({ queryKey: ["skeleton", traceId] });
  });
  useEffect(() => {
    document.title = skeleton ? `${shownName(skeleton.name)} · Clearspan` : "Trace · Clearspan";
  }, [skeleton]);

  if (model && model.n > 0)
    return (
      <Page>
        <TraceView key={traceId} model={model} search={search} />
      </Page>
    );
  return (
    <Page busy={query.isPending}>
      <PageBar project={project} parents={[]} current={traceId.slice(0, 8)} />
      {query.isPending ? (
        <Bones />
      ) : isAbsent(query.error) ? (
        <EmptyState title="This trace is not here">
          <p>
            Project {project} has no trace {traceId}. It may have been deleted, may belong to another project, or its
            first span may still be on the way: the page opens it as soon as it arrives.
          </p>
          <p>
            <Link to="/p/$project/traces" params={{ project }}>
              Show the traces of {project}
            </Link>
          </p>
        </EmptyState>
      ) : (
        <ErrorState title="The trace could not be loaded" error={query.error} onRetry={() => void query.refetch()} />
      )}
    </Page>
  );
}
