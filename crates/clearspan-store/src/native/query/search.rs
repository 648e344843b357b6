//! Full-text search: which rows have to be looked at.
//!
//! Whatever is asked, the texts of the rows decide ([`super::texts`]). The indexes of the segments only say which rows
//! need not be looked at, and how new those are that do. A page in order of time, newest first, looks at as many as it
//! needs ([`super::newest`]): a word that is in every run costs no more than one that is in the newest fifty. Other orders
//! and figures look at all rows that may match.

use clearspan_model::ErrorKind;
use clearspan_query::fulltext::{Required, exact_term, required};
use clearspan_query::{Expr as Filter, Field, Op};
use datafusion::prelude::DataFrame;
use roaring::RoaringBitmap;
use rustc_hash::FxHashSet;

use super::filter::Translator;
use super::{Answer, Engine, collect, column, planning};
use crate::error::Context;
use crate::native::blocking;
use crate::native::segment::Segment;
use crate::native::state::{RowSet, Snapshot};
use crate::schema::Col;
use crate::store::{Scope, Selection, TimeRange, Unit};
use crate::{Result, texts};

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
pub(super) struct Driver {
    pub(super) filter: Filter,
    pub(super) required: Required,
}

impl Driver {
    /// Whether the index alone says which rows satisfy it.
    pub(super) fn is_exact(&self) -> bool {
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
pub(super) fn required_of_run(filter: &Filter) -> Required {
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
    pub(super) async fn runs(&self, snapshot: &Snapshot) -> Result<Snapshot> {
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
pub(super) fn best_driver(snapshot: &Snapshot, filter: &Filter) -> Result<Option<Driver>> {
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
pub(super) async fn traces_where(
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
