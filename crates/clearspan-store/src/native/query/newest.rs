//! Pages in order of time, newest first: rows are looked at newest first, some more at a time, until nothing that is left
//! can belong on the page. So a page costs what is on it, not what there is.
//!
//! The time of a trace is that of its first run. A trace of which no row was looked at yet began no later than the
//! newest row that is left, so it comes after every trace that is known to begin later. Whatever is asked of a trace is
//! asked of all its runs, however old or new they are.
//!
//! When texts are looked for, the indexes of the segments say which rows may match ([`super::search`]). Else, when
//! filters let so little through that a page does not fill up, one query over everything answers it.

use std::collections::BinaryHeap;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::AsArray;
use arrow::datatypes::TimestampNanosecondType;
use clearspan_model::{ProjectId, RunId, TraceId, UnixNanos};
use clearspan_query::Expr as Filter;
use clearspan_query::fulltext::Required;
use futures::future::BoxFuture;
use rustc_hash::FxHashSet;

use super::page::{self, Found};
use super::search::{Driver, Known, best_driver, mentions_texts, required_of_run, traces_where};
use super::{Engine, bad_cursor};
use crate::Result;
use crate::native::blocking;
use crate::native::hot::View;
use crate::native::segment::{Segment, living_ranges};
use crate::native::state::{RowSet, Snapshot};
use crate::schema::Col;
use crate::schema::decode::Rows;
use crate::store::{Cursor, Order, RunQuery, Scope, SortKey, TimeRange, Unit};

/// Rows that are looked at first, and how many times as many at most the next time. Tests have little and want to see every way.
const FIRST_ROWS: u64 = if cfg!(test) { 3 } else { 512 };
const GROWTH: u64 = if cfg!(test) { 2 } else { 16 };
const MOST_ROWS: u64 = if cfg!(test) { 100 } else { 1 << 17 };
/// Rows that are looked at for each trace of a page the first time: most traces have fewer.
const ROWS_PER_TRACE: u64 = if cfg!(test) { 1 } else { 16 };
/// A page that these rows do not fill is better answered by one query, which uses all processors.
const PATIENCE_ROWS: u64 = if cfg!(test) { 150 } else { 1 << 18 };
/// Neighbouring rows whose times are no further apart than this are looked at together, so many at most: most runs of a
/// trace are neighbours and close in time, and each place that is remembered for itself costs memory.
const NEAR_NANOS: u64 = if cfg!(test) { 250_000_000 } else { 5_000_000_000 };
const MOST_TOGETHER: u32 = if cfg!(test) { 2 } else { 64 };
/// A page of a search that takes longer is given as far as it is, with a cursor. Tests look at few rows a time, which is slow,
/// and expect full pages however busy the machine is.
const PAGE_TIME: Duration = Duration::from_secs(if cfg!(test) { 3_600 } else { 5 });

/// Whether a page is made by looking at rows newest first.
pub(super) fn goes_by_time(query: &RunQuery) -> bool {
    query.order == Order { by: SortKey::Start, descending: true }
}

/// What a page came to.
pub(super) enum Paged<K> {
    /// Its keys, and where to go on.
    Page(Vec<K>, Option<Cursor>),
    /// It does not fill up: ask for all of it in one query.
    TooSparse,
}

/// The keys of a page, in the order newest first. `rows` gives the first rows of the page from a part of the snapshot.
pub(super) async fn page_by_time<'a, K: Ord + Copy + Send>(
    engine: &Engine,
    snapshot: &Snapshot,
    query: &RunQuery,
    unit: Unit,
    rows: impl Fn(Snapshot, Option<Known>) -> BoxFuture<'a, Result<Vec<Found<K>>>> + Send + Sync,
) -> Result<Paged<K>> {
    let begin = Instant::now();
    if query.after.as_ref().is_some_and(|cursor| cursor.order != query.order) {
        return Err(bad_cursor());
    }
    let scope = &query.selection.scope;
    let filter = query.selection.filter.as_ref();
    let is_search = filter.is_some_and(mentions_texts);
    let driver = match (unit, filter) {
        (Unit::Traces, Some(filter)) => best_driver(snapshot, filter)?,
        _ => None,
    };
    let mut queue = Queue::new(snapshot, query, unit, driver.as_ref());
    let mut seen: FxHashSet<[[u8; 16]; 2]> = FxHashSet::default();
    let mut found: Vec<Found<K>> = Vec::new();
    let (mut budget, mut looked_at) = (first_budget(query, unit), 0);
    loop {
        let (returned, next) = blocking(move || {
            let next = queue.next(budget)?;
            Ok((queue, next))
        })
        .await?;
        queue = returned;
        let Some(Chunk { rows: chunk, count, needs_look, frontier }) = next else { break };
        looked_at += count;
        match unit {
            Unit::Runs => found.extend(rows(chunk, None).await?),
            Unit::Traces => {
                let look = driver.as_ref().filter(|_| needs_look).map(|driver| &driver.filter);
                let mut traces = match look {
                    Some(look) => {
                        let since = TimeRange { from: query.selection.range.from, to: None };
                        traces_where(engine, &chunk, scope, since, Some(look)).await?
                    }
                    None => {
                        let scope = scope.clone();
                        blocking(move || traces_of_rows(&chunk, &scope)).await?
                    }
                };
                traces.retain(|ids| seen.insert(*ids));
                if !traces.is_empty() {
                    // Without a driver the traces are simply all that there are.
                    let filter =
                        driver.as_ref().map_or(Filter::All(Vec::new()), |driver| driver.filter.clone());
                    let known = Known { filter, traces };
                    found.extend(rows(known.runs(snapshot).await?, Some(known)).await?);
                }
            }
        }
        found.sort_unstable_by_key(|found| (std::cmp::Reverse(found.cursor.value), found.key));
        found.truncate(query.limit.saturating_add(1));
        let is_before =
            |found: &Found<K>| found.cursor.value.is_some_and(|value| value > i128::from(frontier));
        if found.get(query.limit).is_some_and(is_before) {
            break;
        }
        if !is_search && looked_at > PATIENCE_ROWS && !queue.is_done() {
            return Ok(Paged::TooSparse);
        }
        if is_search && begin.elapsed() > PAGE_TIME && !queue.is_done() {
            found.retain(is_before);
            if found.len() <= query.limit {
                let next = behind(query.order, frontier, unit);
                let keys = found.into_iter().map(|found| found.key).collect();
                return Ok(Paged::Page(keys, Some(next)));
            }
        }
        budget = next_budget(budget, looked_at, found.len() as u64, query.limit as u64);
    }
    let (keys, next) = page::cut(found, query.limit);
    Ok(Paged::Page(keys, next))
}

fn first_budget(query: &RunQuery, unit: Unit) -> u64 {
    let of_one = if unit == Unit::Traces { ROWS_PER_TRACE } else { 1 };
    (query.limit as u64).saturating_add(1).saturating_mul(of_one).clamp(FIRST_ROWS, MOST_ROWS)
}

/// As many rows as the rest of the page takes if what is left is like what was looked at, and no fewer than before.
fn next_budget(budget: u64, looked_at: u64, found: u64, limit: u64) -> u64 {
    let most = (budget * GROWTH).min(MOST_ROWS);
    let missing = (limit + 1).saturating_sub(found);
    let expected = looked_at.saturating_mul(missing).checked_div(found).unwrap_or(most);
    expected.saturating_add(expected / 4).max(budget).min(most)
}

/// The cursor of everything that is not newer than a moment.
fn behind(order: Order, moment: i64, unit: Unit) -> Cursor {
    Cursor {
        order,
        value: Some(i128::from(moment) + 1),
        trace_id: TraceId::from_bytes([0xff; 16]),
        run_id: (unit == Unit::Runs).then(|| RunId::from_bytes([0xff; 16])),
    }
}

/// The traces that some rows belong to, by project and trace.
fn traces_of_rows(rows: &Snapshot, scope: &Scope) -> Result<FxHashSet<[[u8; 16]; 2]>> {
    let mut traces = FxHashSet::default();
    let mut take = |rows: &Rows<'_>, row: usize| -> Result<()> {
        let (workspace_id, project_id) = rows.tenant(row)?;
        if scope.holds(workspace_id, project_id) {
            traces.insert([*project_id.as_bytes(), rows.need_id(Col::trace_id, row)?]);
        }
        Ok(())
    };
    let hot: Vec<Rows<'_>> = rows.hot.iter().map(|hot| Rows::new(&hot.batch)).collect();
    for place in rows.hot_places() {
        take(&hot[place.batch as usize], place.row as usize)?;
    }
    for segment in rows.segments.iter() {
        let Some(only) = rows.only.as_ref().and_then(|only| only.get(&segment.number)) else { continue };
        let columns = [Col::workspace_id, Col::project_id, Col::trace_id];
        for batch in segment.read_ranges(&ranges_of(only), &columns)? {
            let rows = Rows::new(&batch);
            (0..batch.num_rows()).try_for_each(|row| take(&rows, row))?;
        }
    }
    Ok(traces)
}

/// The neighbouring rows of a set.
fn ranges_of(rows: &roaring::RoaringBitmap) -> Vec<Range<u32>> {
    let mut ranges: Vec<Range<u32>> = Vec::new();
    for row in rows {
        match ranges.last_mut() {
            Some(last) if last.end == row => last.end = row + 1,
            _ => ranges.push(row..row + 1),
        }
    }
    ranges
}

/// Rows to look at.
struct Chunk {
    rows: Snapshot,
    count: u64,
    /// What the index says does not suffice.
    needs_look: bool,
    /// No row that is left is newer.
    frontier: i64,
}

/// Neighbouring rows, ordered by the time that none of them is newer than.
type NewestRows = (i64, u32, u32);

/// Everything that may match, newest first.
struct Queue {
    snapshot: Snapshot,
    required: Required,
    /// The index says all there is to know.
    is_exact: bool,
    /// Whose rows; in order.
    projects: Option<Vec<ProjectId>>,
    /// Rows before and after these times do not matter.
    from: Option<i64>,
    last: Option<i64>,
    sources: Vec<Source>,
    /// The newest of each source that is not at its end.
    heap: BinaryHeap<(i64, usize)>,
}

enum Source {
    /// A segment that was not looked into yet.
    Segment(Arc<Segment>),
    /// A row group, likewise.
    Group(Arc<Segment>, usize),
    /// Rows of a segment.
    Rows { segment: Arc<Segment>, rows: BinaryHeap<NewestRows>, is_indexed: bool },
    /// A batch of the hot tier.
    Hot(usize),
}

impl Queue {
    fn new(snapshot: &Snapshot, query: &RunQuery, unit: Unit, driver: Option<&Driver>) -> Self {
        let selection = &query.selection;
        let required = match (unit, &selection.filter) {
            (Unit::Runs, Some(filter)) => required_of_run(filter),
            _ => driver.map_or(Required::Nothing, |driver| driver.required.clone()),
        };
        let mut projects = selection.scope.project_ids.clone();
        if let Some(projects) = &mut projects {
            projects.sort_unstable();
        }
        let mut queue = Self {
            snapshot: snapshot.clone(),
            required,
            is_exact: driver.is_some_and(Driver::is_exact),
            projects,
            from: selection.range.from.map(UnixNanos::as_nanos),
            // A trace that is looked for by what some run of it says may have said it after the page's end.
            last: if driver.is_some() { None } else { last_moment(query) },
            sources: Vec::new(),
            heap: BinaryHeap::new(),
        };
        for (idx, batch) in snapshot.hot.iter().enumerate() {
            if let Some(newest) = batch.newest() {
                queue.add(newest, Source::Hot(idx));
            }
        }
        for segment in snapshot.segments.iter() {
            if queue.last.is_none_or(|last| segment.min_time <= last) {
                queue.add(segment.max_time, Source::Segment(Arc::clone(segment)));
            }
        }
        queue
    }

    fn add(&mut self, newest: i64, source: Source) {
        if self.from.is_none_or(|from| newest >= from) {
            self.heap.push((newest, self.sources.len()));
            self.sources.push(source);
        }
    }

    fn is_done(&self) -> bool {
        self.heap.is_empty()
    }

    /// The next rows, about as many as asked for. `None` at the end.
    fn next(&mut self, rows: u64) -> Result<Option<Chunk>> {
        let mut hot = View::new();
        let mut only = RowSet::default();
        let (mut count, mut needs_look) = (0, false);
        while count < rows
            && let Some((_, idx)) = self.heap.peek().copied()
        {
            match &self.sources[idx] {
                Source::Segment(segment) => {
                    let segment = Arc::clone(segment);
                    self.heap.pop();
                    self.open(segment)?;
                    continue;
                }
                Source::Group(segment, group) => {
                    let (segment, group) = (Arc::clone(segment), *group);
                    self.heap.pop();
                    let rows = self.rows_by_time(&segment, group)?;
                    self.sources[idx] = self.inside(segment, rows, false);
                    self.push_again(idx);
                    continue;
                }
                Source::Rows { .. } | Source::Hot(_) => {}
            }
            // Rows that need a look are not mixed with those that do not.
            let one_needs = self.needs_look(idx);
            if count > 0 && one_needs != needs_look {
                break;
            }
            needs_look = one_needs;
            self.heap.pop();
            match &mut self.sources[idx] {
                Source::Segment(_) | Source::Group(..) => {}
                Source::Hot(batch) => {
                    let batch = self.snapshot.hot[*batch].clone();
                    count += batch.batch.num_rows() as u64;
                    hot.push(batch);
                }
                Source::Rows { segment, rows, .. } => {
                    let Some((_, from, to)) = rows.pop() else { continue };
                    count += u64::from(to - from);
                    only.entry(segment.number).or_default().insert_range(from..to);
                }
            }
            self.push_again(idx);
        }
        if count == 0 {
            return Ok(None);
        }
        let frontier = self.heap.peek().map_or(i64::MIN, |(newest, _)| *newest);
        Ok(Some(Chunk { rows: self.snapshot.narrowed(hot, only), count, needs_look, frontier }))
    }

    /// Whether the texts of a source's next rows have to be looked at.
    fn needs_look(&self, source: usize) -> bool {
        let Source::Rows { segment, rows, is_indexed: true } = &self.sources[source] else { return true };
        // A row that died may be the one that the index means.
        let dead = self.snapshot.dead.get(&segment.number);
        let has_dead =
            |(_, from, to): &NewestRows| dead.is_some_and(|dead| dead.range_cardinality(*from..*to) > 0);
        !self.is_exact || rows.peek().is_none_or(has_dead)
    }

    /// Looks into a segment.
    fn open(&mut self, segment: Arc<Segment>) -> Result<()> {
        let index = match &self.required {
            // Times are all that is asked, and the columns have them exactly.
            Required::Nothing => None,
            _ => self.snapshot.search.of(segment.number),
        };
        if let Some(index) = index {
            let docs = index.docs(&self.required, self.projects.as_deref())?;
            let rows = docs.into_iter().map(|doc| (doc.newest, doc.rows.start, doc.rows.end)).collect();
            let source = self.inside(segment, rows, true);
            self.sources.push(source);
            self.push_again(self.sources.len() - 1);
            return Ok(());
        }
        for (idx, group) in segment.footer()?.groups().iter().enumerate() {
            let (first, last) = group.times().unwrap_or((segment.min_time, segment.max_time));
            let is_whose = self.projects.as_ref().is_none_or(|projects| group.may_hold_project(projects));
            if is_whose && self.last.is_none_or(|to| first <= to) {
                self.add(last, Source::Group(Arc::clone(&segment), idx));
            }
        }
        Ok(())
    }

    /// Rows of a segment, those that are not too old.
    fn inside(&self, segment: Arc<Segment>, rows: Vec<NewestRows>, is_indexed: bool) -> Source {
        let is_inside = |(newest, ..): &NewestRows| self.from.is_none_or(|from| *newest >= from);
        let rows: Vec<NewestRows> = rows.into_iter().filter(is_inside).collect();
        Source::Rows { segment, rows: rows.into(), is_indexed }
    }

    /// The living rows of a row group with their times.
    fn rows_by_time(&self, segment: &Segment, group: usize) -> Result<Vec<NewestRows>> {
        let footer = segment.footer()?;
        let group = &footer.groups()[group];
        let mut ranges = vec![group.rows.clone()];
        let mut columns = vec![Col::time];
        if group.only_project().is_none() && self.projects.is_some() {
            columns.push(Col::project_id);
        }
        if let Some(dead) = self.snapshot.dead.get(&segment.number) {
            ranges = living_ranges(&ranges, dead);
        }
        let mut found: Vec<NewestRows> = Vec::new();
        segment.look_at(&ranges, &columns, |batch, rows| {
            let times = batch.column_by_name(Col::time.name()).expect("the column was asked for");
            let times = times.as_primitive::<TimestampNanosecondType>().values();
            let projects = batch.column_by_name(Col::project_id.name()).map(|ids| ids.as_fixed_size_binary());
            for (at, (row, time)) in rows.iter().zip(times).enumerate() {
                let is_whose = match (&self.projects, projects) {
                    (Some(wanted), Some(ids)) => {
                        wanted.binary_search_by(|id| id.as_bytes().as_slice().cmp(ids.value(at))).is_ok()
                    }
                    _ => true,
                };
                if is_whose && self.last.is_none_or(|last| *time <= last) {
                    match found.last_mut() {
                        Some((newest, from, to)) if *to == *row && is_near(*newest, *time, row - *from) => {
                            (*newest, *to) = ((*newest).max(*time), row + 1);
                        }
                        _ => found.push((*time, *row, row + 1)),
                    }
                }
            }
            Ok(())
        })?;
        Ok(found)
    }

    fn push_again(&mut self, idx: usize) {
        if let Source::Rows { rows, .. } = &self.sources[idx]
            && let Some((newest, ..)) = rows.peek()
        {
            self.heap.push((*newest, idx));
        }
    }
}

/// Whether a row belongs to its neighbours, so many of which are together already.
fn is_near(newest: i64, time: i64, together: u32) -> bool {
    together < MOST_TOGETHER && newest.abs_diff(time) <= NEAR_NANOS
}

/// Nothing on a page begins later: neither behind the range nor before the place where the last page ended.
fn last_moment(query: &RunQuery) -> Option<i64> {
    let in_range = query.selection.range.to.map(|to| to.as_nanos().saturating_sub(1));
    let after = query.after.as_ref().and_then(|cursor| i64::try_from(cursor.value?).ok());
    [in_range, after].into_iter().flatten().min()
}
