//! Full-text search: which rows have to be looked at, and in which order.
//!
//! Whatever is asked, the texts of the rows decide ([`super::texts`]). The indexes of the segments only say which rows
//! need not be looked at, and how new those are that do. A page in order of time, newest first, looks at rows newest
//! first, some more at a time, until nothing that is left can belong on the page: a word that is in every run costs no more
//! than one that is in the newest fifty. Other orders and figures look at all rows that may match.

use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clearspan_model::{ErrorKind, RunId, TraceId};
use clearspan_query::fulltext::{Required, exact_term, required};
use clearspan_query::{Expr as Filter, Field, Op};
use datafusion::prelude::DataFrame;
use futures::future::BoxFuture;
use roaring::RoaringBitmap;
use rustc_hash::FxHashSet;

use super::filter::Translator;
use super::page::{self, Found};
use super::{Answer, Engine, collect, column, planning};
use crate::error::Context;
use crate::native::blocking;
use crate::native::hot::View;
use crate::native::search::Doc;
use crate::native::segment::Segment;
use crate::native::state::{RowSet, Snapshot};
use crate::schema::Col;
use crate::store::{Cursor, Order, RunQuery, Scope, Selection, SortKey, TimeRange, Unit};
use crate::{Result, texts};

/// Rows that are looked at first, and by how much more each further time.
const FIRST_ROWS: u64 = 512;
const GROWTH: u64 = 4;
const MOST_ROWS: u64 = 1 << 17;
/// A page that takes longer is given as far as it is, with a cursor.
const PAGE_TIME: Duration = Duration::from_secs(5);
/// More traces than these are not picked out one by one.
const MAX_TRACES: usize = 10_000;

/// Whether a filter asks for texts anywhere.
pub(super) fn mentions_texts(filter: &Filter) -> bool {
    match filter {
        Filter::All(parts) | Filter::Any(parts) => parts.iter().any(mentions_texts),
        Filter::Not(inner) | Filter::AnyRun(inner) | Filter::Root(inner) => mentions_texts(inner),
        Filter::Test(field, op) => texts::looks_at_texts(field, op),
    }
}

/// A part of a filter without which it does not hold, and what the texts of a run for which that part holds must have.
#[derive(Debug, Clone)]
struct Driver {
    filter: Filter,
    required: Required,
}

impl Driver {
    /// Whether the index alone says which rows satisfy it.
    fn is_exact(&self) -> bool {
        matches!(&self.filter, Filter::Test(Field::Text, Op::Search(search)) if exact_term(search).is_some())
    }
}

/// The drivers of a filter on runs; of one on traces, each of them for some run of the trace.
fn drivers(filter: &Filter, unit: Unit) -> Vec<Driver> {
    match filter {
        Filter::Test(field, op @ Op::Search(search)) if texts::looks_at_texts(field, op) => {
            vec![Driver { filter: filter.clone(), required: required(search) }]
        }
        Filter::All(parts) => parts.iter().flat_map(|part| drivers(part, unit)).collect(),
        Filter::Any(branches) => {
            let picked: Option<Vec<Driver>> =
                branches.iter().map(|branch| drivers(branch, unit).into_iter().next()).collect();
            let Some(picked) = picked.filter(|picked| !picked.is_empty()) else { return Vec::new() };
            let is_open = picked.iter().any(|driver| driver.required == Required::Nothing);
            let (filters, required) =
                picked.into_iter().map(|driver| (driver.filter, driver.required)).unzip();
            let required = if is_open { Required::Nothing } else { Required::Any(required) };
            vec![Driver { filter: Filter::Any(filters), required }]
        }
        Filter::AnyRun(inner) | Filter::Root(inner) if unit == Unit::Traces => drivers(inner, Unit::Runs),
        Filter::Not(_) | Filter::Test(..) | Filter::AnyRun(_) | Filter::Root(_) => Vec::new(),
    }
}

/// What the texts of a run must have for a filter to hold on it.
fn required_of_run(filter: &Filter) -> Required {
    let mut all: Vec<Required> =
        drivers(filter, Unit::Runs).into_iter().map(|driver| driver.required).collect();
    all.retain(|required| *required != Required::Nothing);
    if all.is_empty() { Required::Nothing } else { Required::All(all) }
}

/// The rows for which a filter on runs may hold; `None` when these are all that the snapshot has.
pub(super) async fn candidates(
    snapshot: &Snapshot,
    scope: &Scope,
    filter: &Filter,
) -> Result<Option<Snapshot>> {
    let required = required_of_run(filter);
    if required == Required::Nothing || snapshot.only.is_some() {
        return Ok(None);
    }
    let (snapshot, scope) = (snapshot.clone(), scope.clone());
    blocking(move || {
        let mut only = RowSet::default();
        for segment in snapshot.segments.iter() {
            let rows = match snapshot.search.of(segment.number) {
                Some(index) => {
                    let docs = index.docs(&required, scope.project_ids.as_deref())?;
                    let mut rows = RoaringBitmap::new();
                    for doc in docs {
                        rows.insert_range(doc.rows);
                    }
                    rows
                }
                None => all_rows(segment),
            };
            only.insert(segment.number, rows);
        }
        Ok(Some(snapshot.narrowed(snapshot.hot.clone(), only)))
    })
    .await
}

fn all_rows(segment: &Segment) -> RoaringBitmap {
    let mut rows = RoaringBitmap::new();
    rows.insert_range(0..segment.rows);
    rows
}

/// Traces of which one condition is known.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// Some run of each satisfies it.
    pub(super) filter: Filter,
    /// By project and trace.
    pub(super) traces: FxHashSet<[[u8; 16]; 2]>,
}

impl Known {
    /// All runs of these traces.
    async fn runs(&self, snapshot: &Snapshot) -> Result<Snapshot> {
        let trace_ids = self.traces.iter().map(|[_, trace_id]| *trace_id).collect();
        let snapshot = snapshot.clone();
        blocking(move || snapshot.of_traces(&trace_ids)).await
    }
}

/// The traces for which a part of a filter holds without which the filter does not, and their runs; `None` when it does
/// not pay to pick them out.
pub(super) async fn known_traces(
    engine: &Engine,
    snapshot: &Snapshot,
    selection: &Selection,
    filter: &Filter,
) -> Result<Option<(Snapshot, Known)>> {
    let scope = &selection.scope;
    let Some(Driver { filter, required }) = best_driver(snapshot, filter)? else { return Ok(None) };
    if required == Required::Nothing {
        return Ok(None);
    }
    let narrow = candidates(snapshot, scope, &filter).await?;
    let base = narrow.as_ref().unwrap_or(snapshot);
    let since = TimeRange { from: selection.range.from, to: None };
    let traces = traces_where(engine, base, scope, since, Some(&filter)).await?;
    if traces.len() > MAX_TRACES {
        return Ok(None);
    }
    let known = Known { filter, traces };
    Ok(Some((known.runs(snapshot).await?, known)))
}

/// The driver of a filter on traces that the fewest rows satisfy.
fn best_driver(snapshot: &Snapshot, filter: &Filter) -> Result<Option<Driver>> {
    let mut best: Option<(u64, Driver)> = None;
    for driver in drivers(filter, Unit::Traces) {
        let mut docs = 0;
        for index in snapshot.segments.iter().filter_map(|segment| snapshot.search.of(segment.number)) {
            docs += index.estimate(&driver.required)?;
        }
        if best.as_ref().is_none_or(|(fewest, _)| docs < *fewest) {
            best = Some((docs, driver));
        }
    }
    Ok(best.map(|(_, driver)| driver))
}

/// The traces of the rows of a snapshot for which a filter on runs holds.
async fn traces_where(
    engine: &Engine,
    snapshot: &Snapshot,
    scope: &Scope,
    range: TimeRange,
    filter: Option<&Filter>,
) -> Result<FxHashSet<[[u8; 16]; 2]>> {
    let mut rows = engine.table(snapshot, scope, range)?;
    if let Some(filter) = filter {
        let condition = Translator::new(engine, snapshot, scope).run(filter).await?;
        rows = rows.filter(condition.is_true()).context(ErrorKind::Internal, planning)?;
    }
    let distinct =
        |rows: DataFrame| rows.select([Col::project_id, Col::trace_id].map(column).to_vec())?.distinct();
    let mut ids = FxHashSet::default();
    for batch in collect(distinct(rows).context(ErrorKind::Internal, planning)?).await? {
        let answer = Answer::new(&batch);
        for row in 0..batch.num_rows() {
            let id = |col: Col| answer.id(col.name(), row);
            ids.insert([id(Col::project_id)?, id(Col::trace_id)?]);
        }
    }
    Ok(ids)
}

/// Whether a page is made by looking at rows newest first.
pub(super) fn goes_by_time(query: &RunQuery) -> bool {
    let by_time = Order { by: SortKey::Start, descending: true };
    query.order == by_time && query.selection.filter.as_ref().is_some_and(mentions_texts)
}

/// The keys of a page, in the order newest first, and where to go on.
/// `rows` gives the first rows of the page from a part of the snapshot.
pub(super) async fn page_by_time<'a, K: Ord + Copy + Send>(
    engine: &Engine,
    snapshot: &Snapshot,
    query: &RunQuery,
    unit: Unit,
    rows: impl Fn(Snapshot, Option<Known>) -> BoxFuture<'a, Result<Vec<Found<K>>>> + Send + Sync,
) -> Result<(Vec<K>, Option<Cursor>)> {
    let begin = Instant::now();
    let selection = &query.selection;
    let Some(filter) = &selection.filter else { return Ok((Vec::new(), None)) };
    let driver = match unit {
        Unit::Runs => None,
        Unit::Traces => best_driver(snapshot, filter)?,
    };
    let required = match (unit, &driver) {
        (Unit::Runs, _) => required_of_run(filter),
        (Unit::Traces, driver) => driver.as_ref().map_or(Required::Nothing, |driver| driver.required.clone()),
    };
    let is_exact = driver.as_ref().is_some_and(Driver::is_exact);
    let mut queue = Queue::new(snapshot, required, is_exact, selection, unit);
    let mut seen: FxHashSet<[[u8; 16]; 2]> = FxHashSet::default();
    let mut found: Vec<Found<K>> = Vec::new();
    let mut budget = FIRST_ROWS;
    loop {
        let (returned, next) = blocking(move || {
            let next = queue.next(budget)?;
            Ok((queue, next))
        })
        .await?;
        queue = returned;
        let Some(Chunk { rows: chunk, needs_look, frontier }) = next else { break };
        match unit {
            Unit::Runs => found.extend(rows(chunk, None).await?),
            Unit::Traces => {
                let look = driver.as_ref().filter(|_| needs_look).map(|driver| &driver.filter);
                let since = TimeRange { from: selection.range.from, to: None };
                let mut traces = traces_where(engine, &chunk, &selection.scope, since, look).await?;
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
        if begin.elapsed() > PAGE_TIME && !queue.is_done() {
            found.retain(is_before);
            if found.len() <= query.limit {
                let next = behind(query.order, frontier, unit);
                return Ok((found.into_iter().map(|found| found.key).collect(), Some(next)));
            }
        }
        budget = (budget * GROWTH).min(MOST_ROWS);
    }
    Ok(page::cut(found, query.limit))
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

/// Rows to look at.
struct Chunk {
    rows: Snapshot,
    /// What the index says does not suffice.
    needs_look: bool,
    /// No row that is left is newer.
    frontier: i64,
}

/// Everything that may match, newest first.
struct Queue {
    snapshot: Snapshot,
    required: Required,
    /// The index says all there is to know.
    is_exact: bool,
    scope: Scope,
    range: TimeRange,
    sources: Vec<Source>,
    /// The newest of each source that is not at its end.
    heap: BinaryHeap<(i64, usize)>,
}

enum Source {
    /// A segment that was not looked into yet.
    Segment(Arc<Segment>),
    /// Rows of a segment, the newest last.
    Docs { segment: Arc<Segment>, docs: Vec<Doc>, is_indexed: bool },
    /// A batch of the hot tier.
    Hot(usize),
}

impl Queue {
    fn new(
        snapshot: &Snapshot,
        required: Required,
        is_exact: bool,
        selection: &Selection,
        unit: Unit,
    ) -> Self {
        let range = selection.range;
        let (mut sources, mut heap) = (Vec::new(), BinaryHeap::new());
        let mut add = |newest: i64, source: Source| {
            if range.from.is_none_or(|from| newest >= from.as_nanos()) {
                heap.push((newest, sources.len()));
                sources.push(source);
            }
        };
        for (idx, batch) in snapshot.hot.iter().enumerate() {
            if let Some(newest) = batch.newest() {
                add(newest, Source::Hot(idx));
            }
        }
        for segment in snapshot.segments.iter() {
            // A trace that begins in the range may go on behind it.
            let is_later = range.to.is_some_and(|to| segment.min_time >= to.as_nanos());
            if unit == Unit::Traces || !is_later {
                add(segment.max_time, Source::Segment(Arc::clone(segment)));
            }
        }
        let scope = selection.scope.clone();
        Self { snapshot: snapshot.clone(), required, is_exact, scope, range, sources, heap }
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
            if let Source::Segment(segment) = &self.sources[idx] {
                let segment = Arc::clone(segment);
                self.heap.pop();
                self.sources[idx] = self.open(segment)?;
                self.push_again(idx);
                continue;
            }
            // Rows that need a look are not mixed with those that do not.
            let one_needs = self.needs_look(idx);
            if count > 0 && one_needs != needs_look {
                break;
            }
            needs_look = one_needs;
            self.heap.pop();
            match &mut self.sources[idx] {
                Source::Segment(_) => {}
                Source::Hot(batch) => {
                    let batch = self.snapshot.hot[*batch].clone();
                    count += batch.batch.num_rows() as u64;
                    hot.push(batch);
                }
                Source::Docs { segment, docs, .. } => {
                    let Some(doc) = docs.pop() else { continue };
                    count += u64::from(doc.rows.end - doc.rows.start);
                    only.entry(segment.number).or_default().insert_range(doc.rows);
                }
            }
            self.push_again(idx);
        }
        if count == 0 {
            return Ok(None);
        }
        let frontier = self.heap.peek().map_or(i64::MIN, |(newest, _)| *newest);
        Ok(Some(Chunk { rows: self.snapshot.narrowed(hot, only), needs_look, frontier }))
    }

    /// Whether the texts of a source's next rows have to be looked at.
    fn needs_look(&self, source: usize) -> bool {
        let Source::Docs { segment, docs, is_indexed: true } = &self.sources[source] else { return true };
        // A row that died may be the one that the index means.
        let dead = self.snapshot.dead.get(&segment.number);
        let has_dead = |doc: &Doc| dead.is_some_and(|dead| dead.range_cardinality(doc.rows.clone()) > 0);
        !self.is_exact || docs.last().is_none_or(has_dead)
    }

    /// Looks into a segment.
    fn open(&self, segment: Arc<Segment>) -> Result<Source> {
        let index = self.snapshot.search.of(segment.number);
        let is_indexed = index.is_some();
        let mut docs = match index {
            Some(index) => index.docs(&self.required, self.scope.project_ids.as_deref())?,
            None => segment.group_times()?.into_iter().map(|(rows, newest)| Doc { rows, newest }).collect(),
        };
        if let Some(from) = self.range.from {
            docs.retain(|doc| doc.newest >= from.as_nanos());
        }
        docs.sort_unstable_by_key(|doc| doc.newest);
        Ok(Source::Docs { segment, docs, is_indexed })
    }

    fn push_again(&mut self, idx: usize) {
        if let Source::Docs { docs, .. } = &self.sources[idx]
            && let Some(doc) = docs.last()
        {
            self.heap.push((doc.newest, idx));
        }
    }
}
