import { Page } from "@/components/PageBar";

export function TracePage() {
  return <Page busy>{null}</Page>;
}
