//! Reading the two tables: pages of log records, metrics, points of a metric.
//!
//! Rows are looked at one after the other: those in memory, then those of the files, best times first, until no file
//! can have a row that belongs to the answer. Files and row groups outside of the time asked for are not read. Every
//! read goes through [`Scan`], which knows whose rows are meant.

use std::sync::Arc;

use arrow::array::RecordBatch;
use clearspan_model::{MetricPoint, ProjectId, TraceId, UnixNanos};
use rustc_hash::FxHashSet;

use super::file::{Condition, Group, overlaps};
use super::page::Page;
use super::{RecordColumn, RecordFile};
use crate::records::{Metrics, Needle};
use crate::schema::logs::{LogCol, LogRows};
use crate::schema::points::{PointCol, PointRows};
use crate::schema::rows::TableRows;
use crate::store::{LogCursor, LogPage, LogQuery, MetricSummary, PointList, PointQuery, Scope, TimeRange};
use crate::tombstones::Tombstones;
use crate::{RecordId, Result};

/// One moment of a table.
#[derive(Debug)]
pub(crate) struct RecordSnapshot<C> {
    /// What is in memory.
    pub(crate) hot: Vec<RecordBatch>,
    pub(crate) files: Arc<Vec<Arc<RecordFile<C>>>>,
    /// What was deleted and may still be in files.
    pub(crate) tombstones: Arc<Tombstones>,
}

/// Which rows of a table are meant.
struct Scan<'s, C> {
    snapshot: &'s RecordSnapshot<C>,
    range: TimeRange,
    /// Begins with whose rows are meant and when; cheap conditions first.
    conditions: Vec<Condition<C>>,
}

impl<'s, C: RecordColumn> Scan<'s, C> {
    fn new(snapshot: &'s RecordSnapshot<C>, scope: &Scope, range: TimeRange) -> Self {
        let (workspace_id, mut project_ids) = (scope.workspace_id, scope.project_ids.clone());
        if let Some(project_ids) = &mut project_ids {
            project_ids.sort_unstable();
        }
        let is_meant = move |rows: &TableRows<'_, C>, row: usize| {
            rows.is_id(C::WORKSPACE, row, workspace_id.as_bytes())
                && rows.time(C::TIME, row).is_some_and(|time| range.holds(time))
                && project_ids.as_ref().is_none_or(|ids| {
                    let id = rows.need_id(C::PROJECT, row);
                    id.is_ok_and(|id| ids.binary_search_by(|wanted| wanted.as_bytes().cmp(&id)).is_ok())
                })
        };
        let columns = vec![C::WORKSPACE, C::PROJECT, C::TIME];
        let mut scan =
            Self { snapshot, range, conditions: vec![Condition { columns, test: Arc::new(is_meant) }] };
        if !snapshot.tombstones.is_empty() {
            let tombstones = Arc::clone(&snapshot.tombstones);
            scan.require(owner_columns::<C>(), move |rows, row| {
                rows.is_deleted(row, &tombstones).is_ok_and(|is_deleted| !is_deleted)
            });
        }
        scan
    }

    fn require(
        &mut self,
        columns: Vec<C>,
        test: impl for<'a> Fn(&TableRows<'a, C>, usize) -> bool + Send + Sync + 'static,
    ) {
        self.conditions.push(Condition { columns, test: Arc::new(test) });
    }

    /// Calls `take` with every row in memory that is meant, the latest first.
    fn hot(&self, mut take: impl FnMut(&TableRows<'_, C>, usize) -> Result<()>) -> Result<()> {
        for batch in self.snapshot.hot.iter().rev() {
            let rows = TableRows::new(batch);
            for row in (0..batch.num_rows()).rev() {
                if self.conditions.iter().all(|condition| (condition.test)(&rows, row)) {
                    take(&rows, row)?;
                }
            }
        }
        Ok(())
    }

    fn files(&self) -> Vec<&Arc<RecordFile<C>>> {
        let files = self.snapshot.files.iter();
        files.filter(|file| overlaps(self.range, file.entry.min_time, file.entry.max_time)).collect()
    }

    fn group(
        &self,
        file: &RecordFile<C>,
        group: Group,
        columns: &[C],
        conditions: &[Condition<C>],
        take: &mut impl FnMut(&TableRows<'_, C>, usize) -> Result<()>,
    ) -> Result<()> {
        for batch in file.read(group, columns, conditions)? {
            let batch = batch?;
            let rows = TableRows::new(&batch);
            for row in 0..batch.num_rows() {
                take(&rows, row)?;
            }
        }
        Ok(())
    }

    /// The first rows in an order of time.
    fn page<T>(
        &self,
        limit: usize,
        oldest_first: bool,
        make: impl Fn(&TableRows<'_, C>, usize) -> Result<T>,
    ) -> Result<Vec<(RecordId, T)>> {
        let mut page = Page::new(limit, oldest_first);
        let take = |page: &mut Page<T>, rows: &TableRows<'_, C>, row: usize| -> Result<()> {
            let (time, id) = (rows.time(C::TIME, row).unwrap_or_default(), rows.record_id(row)?);
            if page.wants(time, id) {
                page.add(time, id, make(rows, row)?);
            }
            Ok(())
        };
        self.hot(|rows, row| take(&mut page, rows, row))?;
        let nearness = |min_time: i64, max_time: i64| {
            if oldest_first { i128::from(min_time) } else { -i128::from(max_time) }
        };
        let mut files = self.files();
        files.sort_by_key(|file| nearness(file.entry.min_time, file.entry.max_time));
        for file in files {
            if !page.wants_any(file.entry.min_time, file.entry.max_time) {
                break;
            }
            let mut groups = file.groups(self.range)?;
            groups.sort_by_key(|group| nearness(group.min_time, group.max_time));
            for group in groups {
                if !page.wants_any(group.min_time, group.max_time) {
                    break;
                }
                // What the page has no room for is not decoded.
                let mut conditions = self.conditions.clone();
                conditions.extend(page.last().map(|(last, _)| {
                    let is_near = move |rows: &TableRows<'_, C>, row: usize| {
                        let time = rows.time(C::TIME, row).unwrap_or_default();
                        if oldest_first { time <= last } else { time >= last }
                    };
                    Condition { columns: vec![C::TIME], test: Arc::new(is_near) }
                }));
                self.group(file, group, &[], &conditions, &mut |rows, row| take(&mut page, rows, row))?;
            }
        }
        Ok(page.finish())
    }

    /// Calls `take` once for each record that is meant, in no order.
    fn each(
        &self,
        columns: &[C],
        mut take: impl FnMut(&TableRows<'_, C>, usize, RecordId) -> Result<()>,
    ) -> Result<()> {
        let files = self.files();
        let mut stretches: Vec<(i64, i64)> =
            files.iter().map(|file| (file.entry.min_time, file.entry.max_time)).collect();
        stretches.extend(self.hot_stretch());
        // A record has one time, so only where two sources overlap can it be in both.
        let shared = covered_twice(stretches);
        let mut seen: FxHashSet<RecordId> = FxHashSet::default();
        let mut take_once = |rows: &TableRows<'_, C>, row: usize| -> Result<()> {
            let time = rows.time(C::TIME, row).unwrap_or_default().as_nanos();
            let id = rows.record_id(row)?;
            if is_in(&shared, time) && !seen.insert(id) {
                return Ok(());
            }
            take(rows, row, id)
        };
        self.hot(&mut take_once)?;
        for file in files {
            for group in file.groups(self.range)? {
                self.group(file, group, columns, &self.conditions, &mut take_once)?;
            }
        }
        Ok(())
    }

    fn hot_stretch(&self) -> Option<(i64, i64)> {
        self.snapshot.hot_stretch()
    }
}

impl<C: RecordColumn> RecordSnapshot<C> {
    /// The earliest and latest time of the rows in memory.
    pub(super) fn hot_stretch(&self) -> Option<(i64, i64)> {
        let times = self.hot.iter().flat_map(|batch| {
            let rows = TableRows::<C>::new(batch);
            (0..batch.num_rows()).filter_map(move |row| rows.time(C::TIME, row)).map(UnixNanos::as_nanos)
        });
        times.fold(None, |stretch, time| {
            let (min, max) = stretch.unwrap_or((time, time));
            Some((min.min(time), max.max(time)))
        })
    }
}

/// The columns that tell whether a row is deleted.
fn owner_columns<C: RecordColumn>() -> Vec<C> {
    [C::WORKSPACE, C::PROJECT, C::RECEIVED_AT].into_iter().chain(C::TRACE).collect()
}

/// How many records of a scope some tombstones hide, and of which traces.
pub(crate) fn covered<C: RecordColumn>(
    snapshot: &RecordSnapshot<C>,
    scope: &Scope,
    doomed: Arc<Tombstones>,
) -> Result<(u64, FxHashSet<(ProjectId, TraceId)>)> {
    let mut scan = Scan::new(snapshot, scope, TimeRange::default());
    scan.require(owner_columns::<C>(), move |rows, row| rows.is_deleted(row, &doomed).unwrap_or(false));
    let (mut count, mut traces) = (0, FxHashSet::default());
    let mut columns = owner_columns::<C>();
    columns.extend([C::ID, C::TIME]);
    scan.each(&columns, |rows, row, _| {
        count += 1;
        let (_, project_id) = rows.owner(row)?;
        traces.extend(rows.trace(row).map(|trace_id| (project_id, trace_id)));
        Ok(())
    })?;
    Ok((count, traces))
}

/// Which of some traces have log records, and where.
pub(crate) fn traces_with_logs(
    snapshot: &RecordSnapshot<LogCol>,
    scope: &Scope,
    trace_ids: &[TraceId],
) -> Result<FxHashSet<(ProjectId, TraceId)>> {
    let wanted: FxHashSet<TraceId> = trace_ids.iter().copied().collect();
    let mut scan = Scan::new(snapshot, scope, TimeRange::default());
    scan.require(vec![LogCol::trace_id], move |rows: &LogRows<'_>, row| {
        rows.trace(row).is_some_and(|trace_id| wanted.contains(&trace_id))
    });
    let mut traces = FxHashSet::default();
    let columns = [LogCol::id, LogCol::time, LogCol::workspace_id, LogCol::project_id, LogCol::trace_id];
    scan.each(&columns, |rows, row, _| {
        let (_, project_id) = rows.owner(row)?;
        traces.extend(rows.trace(row).map(|trace_id| (project_id, trace_id)));
        Ok(())
    })?;
    Ok(traces)
}

/// What at least two of the stretches cover, in order and without overlap. Both ends are inside.
pub(super) fn covered_twice(mut stretches: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    stretches.sort_unstable();
    let mut covered: Vec<(i64, i64)> = Vec::new();
    // How far the stretches before reach.
    let mut reach: Option<i64> = None;
    for (min, max) in stretches {
        if let Some(reach) = reach.filter(|reach| *reach >= min) {
            let twice = (min, reach.min(max));
            match covered.last_mut().filter(|last| last.1 >= twice.0) {
                Some(last) => last.1 = last.1.max(twice.1),
                None => covered.push(twice),
            }
        }
        reach = reach.max(Some(max));
    }
    covered
}

pub(super) fn is_in(stretches: &[(i64, i64)], time: i64) -> bool {
    let idx = stretches.partition_point(|(min, _)| *min <= time);
    idx > 0 && time <= stretches[idx - 1].1
}

/// One page of log records.
pub(crate) fn logs(snapshot: &RecordSnapshot<LogCol>, query: &LogQuery) -> Result<LogPage> {
    let mut scan = Scan::new(snapshot, &query.scope, query.range);
    let LogQuery { trace_id, span_id, min_severity, service, .. } = query.clone();
    if trace_id.is_some() || span_id.is_some() {
        scan.require(vec![LogCol::trace_id, LogCol::span_id], move |rows: &LogRows<'_>, row| {
            trace_id.is_none_or(|id| rows.is_id(LogCol::trace_id, row, id.as_bytes()))
                && span_id.is_none_or(|id| rows.has_bytes(LogCol::span_id, row, id.as_bytes()))
        });
    }
    if let Some(wanted) = query.id {
        scan.require(vec![LogCol::id], move |rows: &LogRows<'_>, row| {
            rows.record_id(row).is_ok_and(|id| id == wanted)
        });
    }
    if let Some(least) = min_severity {
        scan.require(vec![LogCol::severity], move |rows: &LogRows<'_>, row| {
            rows.severity(row) >= Some(least)
        });
    }
    if let Some(service) = service {
        scan.require(vec![LogCol::service], move |rows: &LogRows<'_>, row| {
            rows.text(LogCol::service, row) == Some(service.as_str())
        });
    }
    if query.after.is_some() {
        let query = LogQuery { text: None, service: None, ..query.clone() };
        scan.require(vec![LogCol::time, LogCol::id], move |rows: &LogRows<'_>, row| {
            let time = rows.time(LogCol::time, row).unwrap_or_default();
            rows.record_id(row).is_ok_and(|id| query.is_after(time, id))
        });
    }
    if let Some(text) = &query.text {
        let needle = Needle::new(text);
        scan.require(vec![LogCol::body, LogCol::event_name], move |rows: &LogRows<'_>, row| {
            needle.is_in(rows.body(row).as_ref(), rows.text(LogCol::event_name, row))
        });
    }
    let mut records =
        scan.page(query.limit.saturating_add(1), query.oldest_first, |rows, row| rows.record(row))?;
    let has_more = records.len() > query.limit;
    records.truncate(query.limit);
    let last = records.last().filter(|_| has_more);
    let next = last.map(|(id, record)| LogCursor { time: record.time, id: *id });
    Ok(LogPage { records, next })
}

/// The points of one metric.
pub(crate) fn points(snapshot: &RecordSnapshot<PointCol>, query: &PointQuery) -> Result<PointList> {
    let mut scan = Scan::new(snapshot, &query.scope, query.range);
    let name = query.name.clone();
    scan.require(vec![PointCol::name], move |rows: &PointRows<'_>, row| {
        rows.text(PointCol::name, row) == Some(name.as_str())
    });
    let found = scan.page(query.limit.saturating_add(1), true, |rows, row| rows.point(row))?;
    let mut points: Vec<MetricPoint> = found.into_iter().map(|(_, point)| point).collect();
    let is_cut = points.len() > query.limit;
    points.truncate(query.limit);
    Ok(PointList { points, is_cut })
}

/// The metrics that have points in a range.
pub(crate) fn metrics(
    snapshot: &RecordSnapshot<PointCol>,
    scope: &Scope,
    range: TimeRange,
) -> Result<Vec<MetricSummary>> {
    let columns = [
        PointCol::id,
        PointCol::time,
        PointCol::name,
        PointCol::description,
        PointCol::unit,
        PointCol::kind,
        PointCol::temporality,
        PointCol::monotonic,
        PointCol::service,
        PointCol::attributes,
    ];
    let mut metrics = Metrics::default();
    // Attributes repeat from point to point; each set is taken apart once.
    let mut known: FxHashSet<(String, String)> = FxHashSet::default();
    Scan::new(snapshot, scope, range).each(&columns, |rows, row, id| {
        let (name, told) = rows.told(id, row)?;
        let attributes = rows.text(PointCol::attributes, row).unwrap_or_default();
        let is_known = attributes.is_empty() || !known.insert((name.to_owned(), attributes.to_owned()));
        let keys = if is_known { Vec::new() } else { rows.attribute_keys(row)? };
        metrics.add(name, told, keys.iter().map(String::as_str));
        Ok(())
    })?;
    Ok(metrics.finish())
}

#[cfg(test)]
mod tests;
