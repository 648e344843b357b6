//! One metric: what it is, how it is added up and split, the chart, and the chart in numbers.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { type Aggregation, type Metric, type MetricSeries, seriesQuery } from "@/lib/api/telemetry";
import { formatDateTime, plural } from "@/lib/format";
import { useMediaQuery } from "@/lib/media";
import { absoluteRange, rangeLabel } from "@/lib/time-range";
import { Choice } from "@/components/Choice";
import { EmptyState, ErrorState } from "@/components/Notice";
import { Segmented } from "@/components/Segmented";
import { Tag } from "@/components/Tag";
import { Button } from "@/components/Button";
import { Chart } from "./Chart";
import { kindLabel } from "./kinds";
import { aggLabel, chartTitle } from "./measure";
import styles from "./MetricView.module.css";
import { groupsOf, SERVICE } from "./pick";
import type { MetricsSearch } from "./search";
import { bySize } from "./series";
import { SeriesTable } from "./SeriesTable";

const BUCKETS = 120;
const FEW_BUCKETS = 60;
const narrow = matchMedia("(max-width: 899px)");
/** Ranges that end now are asked for again after this. */
const AGAIN_MS = 15_000;

interface Props {
  project: string;
  metric: Metric;
  t: string;
  search: MetricsSearch;
  set: (patch: MetricsSearch, replace?: boolean) => void;
}

export function MetricView({ project, metric, t, search, set }: Props) {
  const { by, agg } = search;
  const buckets = useMediaQuery(narrow) ? FEW_BUCKETS : BUCKETS;
  const query = useQuery({
    ...seriesQuery(project, { name: metric.name, t, group_by: by, buckets, agg }),
    placeholderData: keepPreviousData,
    refetchInterval: t.includes("..") ? false : AGAIN_MS,
  });
  const data = useMemo(() => query.data && { ...query.data, series: bySize(query.data.series) }, [query.data]);
  // The answer of the metric before may be shown for a moment, but not under this one's name.
  const shown = data?.name === metric.name ? data : undefined;
  const empty = shown && shown.series.every((one) => one.values.every((value) => value === null));
  return (
    <section className={styles.view} aria-label={metric.name} aria-busy={query.isPlaceholderData || undefined}>
      <header className={styles.head}>
        <div className={styles.title}>
          <h2>{metric.name}</h2>
          <Tag>{kindLabel(metric.kind)}</Tag>
          {metric.temporality ? <Tag>{metric.temporality}</Tag> : null}
        </div>
        {metric.description ? <p>{metric.description}</p> : null}
      </header>
      <div className={styles.tools}>
        {shown ? (
          <Segmented<Aggregation>
            label="Aggregation"
            value={shown.agg}
            options={shown.aggregations.map((value) => ({ value, label: aggLabel(value) }))}
            onChange={(next) => set({ agg: next === shown.aggregations[0] ? undefined : next })}
          />
        ) : null}
        <Choice
          label="Group by"
          value={by ?? ""}
          options={[{ value: "", label: "nothing" }, ...groupOptions(metric, by)]}
          onChange={(next) => set({ by: next === "" ? undefined : next })}
        />
      </div>
      {query.isError && !query.isFetching ? (
        <ErrorState title="The chart could not be loaded" error={query.error} onRetry={() => void query.refetch()} />
      ) : shown && empty ? (
        <EmptyState
          title="No points in this range"
          actions={t === "all" ? undefined : <Button onClick={() => set({ t: "all" })}>Show all time</Button>}
        >
          <p>
            Nothing was reported in “{rangeLabel(t)}”. The last point came {formatDateTime(metric.last_time)}.
          </p>
        </EmptyState>
      ) : shown ? (
        <Drawn key={`${metric.name} ${by ?? ""}`} data={shown} set={set} />
      ) : (
        <div className={styles.bones} aria-busy />
      )}
    </section>
  );
}

function groupOptions(metric: Metric, by: string | undefined): { value: string; label: string }[] {
  const groups = groupsOf(metric);
  // A link may name an attribute that no point of this range has.
  const all = by && !groups.includes(by) ? [...groups, by] : groups;
  return all.map((value) => ({ value, label: value === SERVICE ? "service" : value }));
}

function Drawn({ data, set }: { data: MetricSeries; set: Props["set"] }) {
  const [hidden, setHidden] = useState<ReadonlySet<number>>(new Set());
  const [focused, setFocused] = useState<number | null>(null);
  const title = chartTitle(data.agg, data.unit);
  const end = data.from + data.bucket_us * (data.series[0]?.values.length ?? 0);
  const label =
    `${title} from ${formatDateTime(data.from)} to ${formatDateTime(end)}, ` +
    `${plural(data.series.length, "line")}: the numbers are in the table below`;
  return (
    <>
      <div className={styles.chart}>
        <h3>
          {title}
          <span>{bucketText(data.bucket_us)} each</span>
        </h3>
        <Chart
          data={data}
          hidden={hidden}
          focused={focused}
          label={label}
          onBrush={(from, to) => set({ t: absoluteRange(from, to) })}
        />
      </div>
      {data.is_cut ? (
        <p className={styles.note}>
          This range has more points than are read at once: the latest are missing. A shorter range shows them all.
        </p>
      ) : null}
      <SeriesTable data={data} hidden={hidden} onHide={setHidden} onFocus={setFocused} />
    </>
  );
}

/** `12 min`: how much time one point of the chart stands for. */
function bucketText(us: number): string {
  const seconds = us / 1e6;
  const [size, unit] =
    seconds < 120 ? [1, "s"] : seconds < 7200 ? [60, "min"] : seconds < 172_800 ? [3600, "h"] : [86_400, "days"];
  const value = seconds / Number(size);
  return `${Number(value.toPrecision(value < 10 ? 2 : 3))} ${unit}`;
}
