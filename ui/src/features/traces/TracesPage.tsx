import { getRouteApi } from "@tanstack/react-router";
import { Page, PageBar } from "@/components/PageBar";

const route = getRouteApi("/p/$project/traces");

export function TracesPage() {
  const { project } = route.useParams();
  return (
    <Page>
      <PageBar project={project} current="Traces" />
    </Page>
  );
}
