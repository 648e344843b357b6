//! The versions of a prompt: loaded by pages, found by hash, beginning of a hash or tag.

import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { type Commit, type CommitTag, fetchCommits, promptTagsQuery } from "@/lib/api/prompts";

export interface Versions {
  commits: Commit[];
  total: number;
  tags: CommitTag[];
  pending: boolean;
  error: unknown;
  retry: () => void;
  hasMore: boolean;
  loadMore: () => void;
}

export const commitsKey = (name: string) => ["prompt-commits", name];

/** Older pages are loaded until all that the URL names are there. */
export function useVersions(name: string, wanted: (string | undefined)[]): Versions {
  const query = useInfiniteQuery({
    queryKey: commitsKey(name),
    queryFn: ({ pageParam, signal }) => fetchCommits(name, pageParam, signal),
    initialPageParam: 0,
    getNextPageParam: (last, pages) => {
      const seen = pages.reduce((sum, page) => sum + page.commits.length, 0);
      return last.commits.length > 0 && seen < last.total ? seen : undefined;
    },
  });
  const tags = useQuery(promptTagsQuery(name)).data ?? [];
  const commits = query.data?.pages.flatMap((page) => page.commits) ?? [];
  const { hasNextPage, isFetching, fetchNextPage } = query;
  const missing = wanted.some((ref) => ref !== undefined && findCommit(commits, tags, ref) === undefined);
  useEffect(() => {
    if (missing && hasNextPage && !isFetching) void fetchNextPage();
  }, [missing, hasNextPage, isFetching, fetchNextPage]);
  return {
    commits,
    total: query.data?.pages.at(-1)?.total ?? 0,
    tags,
    pending: query.isPending || (missing && hasNextPage),
    error: query.data ? null : query.error,
    retry: () => void query.refetch(),
    hasMore: hasNextPage,
    loadMore: () => void fetchNextPage(),
  };
}

const MIN_PREFIX = 4;

export function findCommit(commits: Commit[], tags: CommitTag[], ref: string): Commit | undefined {
  if (ref === "latest") return commits[0];
  const tagged = tags.find((tag) => tag.tag_name === ref)?.commit_hash ?? ref;
  if (tagged.length < MIN_PREFIX) return undefined;
  return commits.find((commit) => commit.commit_hash.startsWith(tagged));
}
