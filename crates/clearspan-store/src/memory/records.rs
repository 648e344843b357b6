//! Log records and metric points in memory.

use std::collections::{BTreeMap, BTreeSet};

use clearspan_model::{LogRecord, MetricPoint, ProjectId, TraceId, UnixNanos, WorkspaceId};

use crate::records::{Metrics, Needle, Told, log_id, point_id};
use crate::tombstones::Tombstones;
use crate::{LogCursor, LogPage, LogQuery, MetricSummary, PointList, PointQuery, RecordId, Scope, TimeRange};

/// Records in order of time, each once.
type Table<T> = BTreeMap<(UnixNanos, RecordId), T>;

/// The log records and metric points of a store.
#[derive(Debug, Default)]
pub(super) struct Records {
    logs: Table<LogRecord>,
    points: Table<MetricPoint>,
}

fn is_in_scope(workspace_id: WorkspaceId, project_id: ProjectId, scope: &Scope) -> bool {
    workspace_id == scope.workspace_id
        && scope.project_ids.as_ref().is_none_or(|project_ids| project_ids.contains(&project_id))
}

fn hides_log(tombstones: &Tombstones, record: &LogRecord) -> bool {
    let LogRecord { workspace_id, project_id, trace_id, received_at, .. } = record;
    tombstones.hides_record(*workspace_id, *project_id, *trace_id, *received_at)
}

fn hides_point(tombstones: &Tombstones, point: &MetricPoint) -> bool {
    tombstones.hides_record(point.workspace_id, point.project_id, None, point.received_at)
}

impl Records {
    pub(super) fn add_logs(&mut self, records: Vec<LogRecord>) {
        for record in records {
            self.logs.entry((record.time, log_id(&record))).or_insert(record);
        }
    }

    pub(super) fn add_points(&mut self, points: Vec<MetricPoint>) {
        for point in points {
            self.points.entry((point.time, point_id(&point))).or_insert(point);
        }
    }

    /// The traces of a scope that log records belong to.
    pub(super) fn traces(&self, scope: &Scope) -> BTreeSet<(ProjectId, TraceId)> {
        let logs = self.logs.values();
        let of_scope = logs.filter(|record| is_in_scope(record.workspace_id, record.project_id, scope));
        of_scope.filter_map(|record| Some((record.project_id, record.trace_id?))).collect()
    }

    /// How many log records tombstones hide, of which traces, and how many points.
    pub(super) fn covered(&self, tombstones: &Tombstones) -> (u64, BTreeSet<(ProjectId, TraceId)>, u64) {
        let logs = self.logs.values().filter(|record| hides_log(tombstones, record));
        let traces = logs.clone().filter_map(|record| Some((record.project_id, record.trace_id?)));
        let points = self.points.values().filter(|point| hides_point(tombstones, point));
        (logs.clone().count() as u64, traces.collect(), points.count() as u64)
    }

    pub(super) fn drop_deleted(&mut self, tombstones: &Tombstones) {
        self.logs.retain(|_, record| !hides_log(tombstones, record));
        self.points.retain(|_, point| !hides_point(tombstones, point));
    }

    pub(super) fn all_logs(&self) -> impl ExactSizeIterator<Item = (RecordId, &LogRecord)> {
        self.logs.iter().map(|((_, id), record)| (*id, record))
    }

    pub(super) fn all_points(&self) -> impl ExactSizeIterator<Item = (RecordId, &MetricPoint)> {
        self.points.iter().map(|((_, id), point)| (*id, point))
    }

    pub(super) fn logs_where(&self, scope: &Scope, range: TimeRange) -> Vec<(RecordId, &LogRecord)> {
        let is_meant =
            |r: &LogRecord| is_in_scope(r.workspace_id, r.project_id, scope) && range.holds(r.time);
        self.all_logs().filter(|(_, record)| is_meant(record)).collect()
    }

    pub(super) fn points_where(&self, scope: &Scope, range: TimeRange) -> Vec<(RecordId, &MetricPoint)> {
        let is_meant =
            |p: &MetricPoint| is_in_scope(p.workspace_id, p.project_id, scope) && range.holds(p.time);
        self.all_points().filter(|(_, point)| is_meant(point)).collect()
    }

    pub(super) fn query_logs(&self, query: &LogQuery) -> LogPage {
        let needle = query.text.as_deref().map(Needle::new);
        let mut found: Vec<(RecordId, &LogRecord)> = Vec::new();
        for ((time, id), record) in &self.logs {
            let is_wanted = is_in_scope(record.workspace_id, record.project_id, &query.scope)
                && query.range.holds(*time)
                && query.id.is_none_or(|wanted| *id == wanted)
                && query.trace_id.is_none_or(|id| record.trace_id == Some(id))
                && query.span_id.is_none_or(|id| record.span_id == Some(id))
                && query.min_severity.is_none_or(|least| record.severity >= Some(least))
                && query
                    .service
                    .as_ref()
                    .is_none_or(|service| record.sender.service.as_ref() == Some(service))
                && needle
                    .as_ref()
                    .is_none_or(|needle| needle.is_in(record.body.as_ref(), record.event_name.as_deref()))
                && query.is_after(*time, *id);
            if is_wanted {
                found.push((*id, record));
            }
        }
        if !query.oldest_first {
            found.reverse();
        }
        let has_more = found.len() > query.limit;
        found.truncate(query.limit);
        let next =
            found.last().filter(|_| has_more).map(|(id, record)| LogCursor { time: record.time, id: *id });
        LogPage { records: found.into_iter().map(|(id, record)| (id, record.clone())).collect(), next }
    }

    fn points(&self, scope: &Scope, range: TimeRange) -> impl Iterator<Item = (RecordId, &MetricPoint)> {
        let points = self.points.iter().filter(move |((time, _), point)| {
            range.holds(*time) && is_in_scope(point.workspace_id, point.project_id, scope)
        });
        points.map(|((_, id), point)| (*id, point))
    }

    pub(super) fn metrics(&self, scope: &Scope, range: TimeRange) -> Vec<MetricSummary> {
        let mut metrics = Metrics::default();
        for (id, point) in self.points(scope, range) {
            let told = Told {
                time: point.time,
                id,
                description: point.description.as_deref(),
                unit: point.unit.as_deref(),
                kind: point.kind,
                temporality: point.temporality,
                monotonic: point.monotonic,
                service: point.sender.service.as_deref(),
            };
            metrics.add(&point.name, told, point.attributes.keys().map(String::as_str));
        }
        metrics.finish()
    }

    pub(super) fn query_points(&self, query: &PointQuery) -> PointList {
        let of_metric = self.points(&query.scope, query.range).filter(|(_, point)| point.name == query.name);
        let mut points: Vec<MetricPoint> =
            of_metric.map(|(_, point)| point.clone()).take(query.limit.saturating_add(1)).collect();
        let is_cut = points.len() > query.limit;
        points.truncate(query.limit);
        PointList { points, is_cut }
    }
}
