//! Log records and metric points in memory.

use std::collections::BTreeMap;

use clearspan_model::{LogRecord, MetricPoint, ProjectId, UnixNanos, WorkspaceId};

use crate::records::{Metrics, Needle, Told, log_id, point_id};
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
