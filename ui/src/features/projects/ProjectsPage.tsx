import { Page, PageBar } from "@/components/PageBar";

export function ProjectsPage() {
  return (
    <Page>
      <PageBar current="Projects" />
    </Page>
  );
}
