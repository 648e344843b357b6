import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { isAbsent } from "@/lib/api/client";
import { promptQuery, usageOfCommitsQuery } from "@/lib/api/prompts";
import { useTitle } from "@/lib/title";
import { ErrorBoundary } from "@/components/ErrorBoundary";
import { EmptyState, ErrorState } from "@/components/Notice";
import { Page, PageBar } from "@/components/PageBar";
import { Editor } from "./Editor";
import { PromptBar } from "./PromptBar";
import styles from "./PromptPage.module.css";
import { type PromptSearch, validatePromptSearch } from "./search";
import { useVersionKeys } from "./useVersionKeys";
import { findCommit, useVersions } from "./useVersions";
import { VersionList } from "./VersionList";
import { VersionView } from "./VersionView";

const route = getRouteApi("/p/$project/prompts/$name");

/** One prompt: its versions on the left, what the chosen one says, changed and cost on the right. */
export function PromptPage() {
  const { project, name } = route.useParams();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const query = useQuery(promptQuery(name));
  const versions = useVersions(name, [search.commit, search.against]);
  const usage = useQuery({ ...usageOfCommitsQuery(name), enabled: query.data?.repo_type === "prompt" });
  const { commits, tags } = versions;
  const commit = search.commit ? findCommit(commits, tags, search.commit) : commits[0];
  const prompt = query.data;
  useTitle(name);
  const set = (patch: PromptSearch, replace = false) =>
    void navigate({ search: (old) => validatePromptSearch({ ...old, ...patch }), replace });
  useVersionKeys({ commits, commit, search, set, editable: prompt?.repo_type === "prompt" });

  if (query.isError) return <Missing project={project} name={name} error={query.error} />;
  const editing = search.edit === true && prompt?.repo_type === "prompt" && !versions.pending;
  return (
    <Page busy={query.isPending || versions.pending}>
      {prompt ? (
        <PromptBar
          project={project}
          prompt={prompt}
          commit={commit}
          tags={tags}
          editing={editing}
          onEdit={() => set({ edit: true, view: undefined })}
        />
      ) : (
        <PageBar project={project} parents={[<Up key="up" project={project} />]} current={name} />
      )}
      {versions.error ? (
        <ErrorState title="The versions could not be loaded" error={versions.error} onRetry={versions.retry} />
      ) : prompt && !versions.pending ? (
        editing ? (
          <Editor
            key={name}
            name={name}
            base={commit}
            newest={commits[0]}
            onClose={() => set({ edit: undefined })}
            onSaved={() => set({ edit: undefined, commit: undefined, against: undefined, view: undefined })}
          />
        ) : commits.length === 0 ? (
          <EmptyState title="No version yet">
            <p>
              {prompt.repo_type === "prompt"
                ? "Write the first one here, or push it from a program."
                : `Push one from a program: client.push_${prompt.repo_type}(…)`}
            </p>
          </EmptyState>
        ) : (
          <div className={styles.body}>
            <VersionList
              name={name}
              versions={versions}
              current={commit}
              usage={usage.data}
              onOpen={(hash) => set({ commit: hash === commits[0].commit_hash ? undefined : hash, against: undefined })}
            />
            {commit ? (
              <ErrorBoundary title="This version could not be shown" resetKey={`${commit.id} ${search.view}`}>
                <VersionView
                  project={project}
                  prompt={prompt}
                  commit={commit}
                  versions={versions}
                  usage={usage}
                  search={search}
                  set={set}
                />
              </ErrorBoundary>
            ) : (
              <EmptyState title={`No version ${search.commit}`}>
                <p>
                  {name} has no version with this hash or tag.{" "}
                  <Link to="/p/$project/prompts/$name" params={{ project, name }}>
                    Show the newest
                  </Link>
                </p>
              </EmptyState>
            )}
          </div>
        )
      ) : null}
    </Page>
  );
}

export const Up = ({ project }: { project: string }) => (
  <Link to="/p/$project/prompts" params={{ project }} activeOptions={{ exact: true }}>
    Prompts
  </Link>
);

function Missing({ project, name, error }: { project: string; name: string; error: unknown }) {
  return (
    <Page>
      <PageBar project={project} parents={[<Up key="up" project={project} />]} current={name} />
      {isAbsent(error) ? (
        <EmptyState title={`There is no prompt ${name}`}>
          <p>It may have been deleted, or its name is spelled differently.</p>
          <p>
            <Link to="/p/$project/prompts" params={{ project }}>
              Show all prompts
            </Link>
          </p>
        </EmptyState>
      ) : (
        <ErrorState title="The prompt could not be loaded" error={error} />
      )}
    </Page>
  );
}
