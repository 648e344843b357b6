import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { projectsQuery, skeletonQuery } from "@/lib/api/queries";
import { baseUrl } from "@/lib/boot";
import { readSetting } from "@/lib/storage";
import { parseSearch, stringifySearch, textParam } from "@/lib/url";
import { validateAnnotateSearch, validateQueueSearch } from "@/features/annotate/search";
import { validateCompareSearch } from "@/features/compare/search";
import { validateDatasetSearch, validateDatasetsSearch } from "@/features/datasets/search";
import { validateLogsSearch } from "@/features/logs/search";
import { validateMetricsSearch } from "@/features/metrics/search";
import { validatePromptSearch, validatePromptsSearch } from "@/features/prompts/search";
import { validateRulesSearch } from "@/features/rules/search";
import { validateSqlSearch } from "@/features/sql/search";
import { threadFromPath, threadInPath, validateThreadSearch, validateThreadsSearch } from "@/features/threads/search";
import { validateTraceSearch } from "@/features/trace/search";
import { validateTracesSearch } from "@/features/traces/search";
import { Frame } from "./Frame";
import { NotFound, PageError } from "./PageError";
import { follow } from "./links";
import { queryClient } from "./query-client";

const root = createRootRoute({ component: Frame, notFoundComponent: NotFound, errorComponent: PageError });

const home = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: async () => {
    const projects = await queryClient.ensureQueryData(projectsQuery());
    const last = readSetting("project");
    const project = projects.find((item) => item.name === last) ?? projects[0];
    // Nothing has arrived yet: show how to send the first trace.
    if (!project || projects.every((item) => item.last_run_at === null)) throw redirect({ to: "/setup" });
    throw redirect({ to: "/p/$project/traces", params: { project: project.name } });
  },
});

const setup = createRoute({
  getParentRoute: () => root,
  path: "/setup",
  validateSearch: (search: Record<string, unknown>): { sdk?: string } => ({ sdk: textParam(search.sdk) }),
  component: lazyRouteComponent(() => import("@/features/setup/SetupPage"), "SetupPage"),
});

const projects = createRoute({
  getParentRoute: () => root,
  path: "/projects",
  component: lazyRouteComponent(() => import("@/features/projects/ProjectsPage"), "ProjectsPage"),
});

const project = createRoute({
  getParentRoute: () => root,
  path: "/p/$project",
  beforeLoad: ({ params }) => {
    throw redirect({ to: "/p/$project/traces", params });
  },
});

const traces = createRoute({
  getParentRoute: () => root,
  path: "/p/$project/traces",
  validateSearch: validateTracesSearch,
  component: lazyRouteComponent(() => import("@/features/traces/TracesPage"), "TracesPage"),
});

const trace = createRoute({
  getParentRoute: () => root,
  path: "/p/$project/traces/$traceId",
  validateSearch: validateTraceSearch,
  // The page's code and the trace travel at the same time; changes of the search parameters load nothing.
  staleTime: Infinity,
  loader: ({ params }) => {
    void queryClient.prefetchQuery(skeletonQuery(params.traceId, params.project));
  },
  component: lazyRouteComponent(() => import("@/features/trace/TracePage"), "TracePage"),
});

const threads = createRoute({
  getParentRoute: () => root,
  path: "/p/$project/threads",
  validateSearch: validateThreadsSearch,
  component: lazyRouteComponent(() => import("@/features/threads/ThreadsPage"), "ThreadsPage"),
});

const thread = createRoute({
  getParentRoute: () => root,
  path: "/p/$project/threads/$threadId",
  params: {
    parse: (params) => ({ ...params, threadId: threadFromPath(params.threadId) }),
    stringify: (params) => ({ ...params, threadId: threadInPath(params.threadId) }),
  },
  validateSearch: validateThreadSearch,
  component: lazyRouteComponent(() => import("@/features/threads/ThreadPage"), "ThreadPage"),
});

const datasets = createRoute({
  getParentRoute: () => root,
  path: "/p/$project/datasets",
  validateSearch: validateDatasetsSearch,
  component: lazyRouteComponent(() => import("@/features/datasets/DatasetsPage"), "DatasetsPage"),
});

const dataset = createRoute({
  getParentRoute: () => root,
  path: "/p/$project/datasets/$datasetId",
  validateSearch: validateDatasetSearch,
  component: lazyRouteComponent(() => import("@/features/datasets/DatasetPage"), "DatasetPage"),
});

const compare = createRoute({
  getParentRoute: () => root,
  path: "/p/$project/datasets/$datasetId/compare",
  validateSearch: validateCompareSearch,
  component: lazyRouteComponent(() => import("@/features/compare/ComparePage"), "ComparePage"),
});

const annotate = createRoute({
  getParentRoute: () => root,
  path: "/p/$project/annotate",
  validateSearch: validateAnnotateSearch,
  component: lazyRouteComponent(() => import("@/features/annotate/AnnotatePage"), "AnnotatePage"),
});

const queue = createRoute({
  getParentRoute: () => root,
  path: "/p/$project/annotate/$queueId",
  validateSearch: validateQueueSearch,
  component: lazyRouteComponent(() => import("@/features/annotate/QueuePage"), "QueuePage"),
});

const logs = createRoute({
  getParentRoute: () => root,
  path: "/p/$project/logs",
  validateSearch: validateLogsSearch,
  component: lazyRouteComponent(() => import("@/features/logs/LogsPage"), "LogsPage"),
});

const metrics = createRoute({
  getParentRoute: () => root,
  path: "/p/$project/metrics",
  validateSearch: validateMetricsSearch,
  component: lazyRouteComponent(() => import("@/features/metrics/MetricsPage"), "MetricsPage"),
});

const sql = createRoute({
  getParentRoute: () => root,
  path: "/p/$project/sql",
  validateSearch: validateSqlSearch,
  component: lazyRouteComponent(() => import("@/features/sql/SqlPage"), "SqlPage"),
});

const prompts = createRoute({
  getParentRoute: () => root,
  path: "/p/$project/prompts",
  validateSearch: validatePromptsSearch,
  component: lazyRouteComponent(() => import("@/features/prompts/PromptsPage"), "PromptsPage"),
});

const prompt = createRoute({
  getParentRoute: () => root,
  path: "/p/$project/prompts/$name",
  validateSearch: validatePromptSearch,
  component: lazyRouteComponent(() => import("@/features/prompts/PromptPage"), "PromptPage"),
});

const rules = createRoute({
  getParentRoute: () => root,
  path: "/p/$project/settings/rules",
  validateSearch: validateRulesSearch,
  component: lazyRouteComponent(() => import("@/features/rules/RulesPage"), "RulesPage"),
});

const projectSettings = createRoute({
  getParentRoute: () => root,
  path: "/p/$project/settings/project",
  component: lazyRouteComponent(() => import("@/features/settings/ProjectSettings"), "ProjectSettings"),
});

/** Addresses for log lines: they need no project. */
async function findTrace(traceId: string, span: string | undefined): Promise<never> {
  const skeleton = await queryClient.ensureQueryData(skeletonQuery(traceId));
  const params = { project: skeleton.project.name, traceId: skeleton.trace_id };
  throw redirect({ to: "/p/$project/traces/$traceId", params, search: { span } });
}

const shortTrace = createRoute({
  getParentRoute: () => root,
  path: "/t/$traceId",
  validateSearch: (search: Record<string, unknown>): { span?: string } => ({ span: textParam(search.span) }),
  beforeLoad: ({ params, search }) => findTrace(params.traceId, search.span),
});

const shortRun = createRoute({
  getParentRoute: () => root,
  path: "/t/$traceId/$runId",
  beforeLoad: ({ params }) => findTrace(params.traceId, params.runId),
});

const sharedRun = createRoute({
  getParentRoute: () => root,
  path: "/public/$token/r",
  validateSearch: (search: Record<string, unknown>): { span?: string } => ({ span: textParam(search.span) }),
  component: lazyRouteComponent(() => import("@/features/public/SharedRunPage"), "SharedRunPage"),
});

const sharedDataset = createRoute({
  getParentRoute: () => root,
  path: "/public/$token/d",
  validateSearch: (search: Record<string, unknown>): { example?: string } => ({ example: textParam(search.example) }),
  component: lazyRouteComponent(() => import("@/features/public/SharedDatasetPage"), "SharedDatasetPage"),
});

/** What LangSmith's SDKs print. */
const tenantLink = createRoute({
  getParentRoute: () => root,
  path: "/o/$tenant/$",
  beforeLoad: ({ params: { _splat: rest }, location }) => follow(rest ?? "", location.search),
});

const areaLinks = (["datasets", "prompts", "hub", "context"] as const).map((area) =>
  createRoute({
    getParentRoute: () => root,
    path: `/${area}/$` as "/datasets/$",
    beforeLoad: ({ params: { _splat: rest }, location }) => follow(`${area}/${rest ?? ""}`, location.search),
  }),
);

export const router = createRouter({
  routeTree: root.addChildren([
    home,
    setup,
    projects,
    project,
    traces,
    trace,
    threads,
    thread,
    datasets,
    dataset,
    compare,
    annotate,
    queue,
    logs,
    metrics,
    sql,
    prompts,
    prompt,
    rules,
    projectSettings,
    shortTrace,
    shortRun,
    sharedRun,
    sharedDataset,
    tenantLink,
    ...areaLinks,
  ]),
  basepath: baseUrl("app").pathname,
  parseSearch,
  stringifySearch,
  defaultPreload: "intent",
  defaultPreloadStaleTime: 0,
  defaultErrorComponent: PageError,
  defaultNotFoundComponent: NotFound,
  // Below this nothing is drawn for loading: a flash is worse than a wait.
  defaultPendingMs: 150,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
