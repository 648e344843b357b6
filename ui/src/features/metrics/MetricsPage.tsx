import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { ChartLine, Info } from "lucide-react";
import { useMemo, useRef } from "react";
import { type Metric, metricsQuery } from "@/lib/api/telemetry";
import { useCommands } from "@/lib/commands";
import { useTitle } from "@/lib/title";
import { useDefaultRange } from "@/lib/use-default-range";
import { Code } from "@/components/Code";
import { ErrorBoundary } from "@/components/ErrorBoundary";
import { EmptyState, ErrorState } from "@/components/Notice";
import { Page, PageBar } from "@/components/PageBar";
import { RangePicker } from "@/components/RangePicker";
import { MetricList } from "./MetricList";
import styles from "./MetricsPage.module.css";
import { MetricView } from "./MetricView";
import { matching, searchFor } from "./pick";
import { type MetricsSearch, validateMetricsSearch } from "./search";

const route = getRouteApi("/p/$project/metrics");

export function MetricsPage() {
  const { project } = route.useParams();
  return <MetricsOf key={project} project={project} />;
}

function MetricsOf({ project }: { project: string }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const standard = useDefaultRange(project);
  const t = search.t ?? standard;
  const set = (patch: MetricsSearch, replace = false) =>
    void navigate({ search: (old) => validateMetricsSearch({ ...old, ...patch }), replace });
  // All of them, whenever they last came: a metric that fell silent is looked for as well.
  const query = useQuery(metricsQuery(project, "all"));
  const all = useMemo(() => query.data ?? [], [query.data]);
  const shown = useMemo(() => matching(all, search.find), [all, search.find]);
  const current = all.find((metric) => metric.name === search.name) ?? (search.name ? undefined : shown[0]);
  const input = useRef<HTMLInputElement>(null);
  useTitle(current ? `${current.name} of ${project}` : `Metrics of ${project}`);
  useMetricKeys(
    shown,
    current,
    (next) => set(searchFor(search, current, next)),
    () => input.current?.focus(),
  );
  return (
    <Page busy={query.isFetching && query.isPending}>
      <PageBar
        project={project}
        current="Metrics"
        actions={<RangePicker value={t} onChange={(range) => set({ t: range })} />}
      />
      {all.length > 0 ? (
        <div className={styles.body}>
          <MetricList
            project={project}
            all={all}
            shown={shown}
            current={current}
            search={search}
            onFind={(find) => set({ find }, true)}
            inputRef={input}
          />
          {current ? (
            <ErrorBoundary title="The chart failed" resetKey={`${current.name} ${t} ${search.by} ${search.agg}`}>
              <MetricView project={project} metric={current} t={t} search={search} set={set} />
            </ErrorBoundary>
          ) : (
            <EmptyState icon={<ChartLine size={24} aria-hidden />} title="No such metric">
              <p>
                {search.name
                  ? `This project has no metric “${search.name}”. Choose one from the list.`
                  : "Choose a metric from the list."}
              </p>
            </EmptyState>
          )}
        </div>
      ) : query.isError ? (
        <ErrorState title="The metrics could not be loaded" error={query.error} onRetry={() => void query.refetch()} />
      ) : query.isPending ? null : (
        <NothingYet />
      )}
      <footer className={styles.note}>
        <Info size={13} aria-hidden />
        <span>
          Numbers that clients report about themselves. They are not part of the cost and tokens of{" "}
          <Link to="/p/$project/traces" params={{ project }}>
            traces
          </Link>
          , which are counted from runs.
        </span>
      </footer>
    </Page>
  );
}

function useMetricKeys(
  shown: readonly Metric[],
  current: Metric | undefined,
  pick: (metric: Metric) => void,
  find: () => void,
): void {
  const step = (by: number) => {
    const at = shown.findIndex((metric) => metric.name === current?.name);
    const next = shown[Math.max(0, Math.min(shown.length - 1, at + by))];
    if (next) pick(next);
  };
  const group = "Metrics";
  useCommands([
    { group, id: "next", title: "Next metric", keys: ["j", "ArrowDown"], keysOnly: true, run: () => step(1) },
    { group, id: "previous", title: "Previous metric", keys: ["k", "ArrowUp"], keysOnly: true, run: () => step(-1) },
    { group, id: "find", title: "Find a metric", keys: ["/"], run: find },
  ]);
}

function NothingYet() {
  const endpoint = new URL("/v1/metrics", location.origin).href;
  return (
    <EmptyState icon={<ChartLine size={24} aria-hidden />} title="No metrics yet">
      <p>
        OpenTelemetry metrics appear here, for example <span className="mono">gen_ai.client.token.usage</span> of the
        instrumentations. Send them like <Link to="/setup">traces</Link>, to this address:
      </p>
      <Code code={`OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=${endpoint}`} />
    </EmptyState>
  );
}
