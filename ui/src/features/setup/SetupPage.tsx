import { Page, PageBar } from "@/components/PageBar";

export function SetupPage() {
  return (
    <Page>
      <PageBar current="Send traces" />
    </Page>
  );
}
