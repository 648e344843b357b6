import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { FolderX } from "lucide-react";
import { useEffect } from "react";
import { readSetting, writeSetting } from "@/lib/storage";
import { useTitle } from "@/lib/title";
import { EmptyState } from "@/components/Notice";
import { Page, PageBar } from "@/components/PageBar";
import { findProject } from "./find-project";

/** How often the server is asked whether the project is there by now. */
const LOOK_MS = 5_000;

/** In place of every page of a project that does not exist. */
export default function NoProject({ project }: { project: string }) {
  const client = useQueryClient();
  useTitle("No such project");
  useEffect(() => {
    // Keys and links would lead here again.
    if (readSetting("project") === project) writeSetting("project", null);
    const timer = setInterval(() => void findProject(client, project).catch(() => {}), LOOK_MS);
    return () => clearInterval(timer);
  }, [client, project]);
  return (
    <Page>
      <PageBar project={project} current="Not found" />
      <EmptyState icon={<FolderX size={24} aria-hidden />} title={`There is no project ${project}`}>
        <p>
          It may have been deleted, or its name is spelled differently. A project is made by its first trace: this page
          opens as soon as one arrives.
        </p>
        <p>
          <Link to="/projects">Show all projects</Link>
        </p>
      </EmptyState>
    </Page>
  );
}
