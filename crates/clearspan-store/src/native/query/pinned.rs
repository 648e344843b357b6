//! Filters that name traces: nothing but the runs of those has to be read.

use clearspan_model::TraceId;
use clearspan_query::{Expr as Filter, Field, Literal, Op};

use crate::Result;
use crate::native::blocking;
use crate::native::state::Snapshot;

/// Of more traces than these, most segments have some.
const MAX_TRACES: usize = 1_000;

/// A snapshot with all runs of the traces that a filter names, and few others; the same one when it names none.
pub(super) async fn pinned(snapshot: Snapshot, filter: Option<&Filter>) -> Result<Snapshot> {
    let named = filter.and_then(named_traces).filter(|traces| traces.len() <= MAX_TRACES);
    let Some(traces) = named.filter(|_| snapshot.only.is_none()) else { return Ok(snapshot) };
    let traces = traces.into_iter().map(|id| *id.as_bytes()).collect();
    blocking(move || snapshot.of_traces(&traces)).await
}

/// Traces of which every one that a filter holds for is one.
fn named_traces(filter: &Filter) -> Option<Vec<TraceId>> {
    let id = |literal: &Literal| match literal {
        Literal::Id(bytes) => Some(TraceId::from_bytes(*bytes)),
        // It equals no id.
        _ => None,
    };
    match filter {
        Filter::Test(Field::TraceId, Op::Eq(literal)) => Some(id(literal).into_iter().collect()),
        Filter::Test(Field::TraceId, Op::In(literals)) => Some(literals.iter().filter_map(id).collect()),
        Filter::All(parts) => parts.iter().filter_map(named_traces).min_by_key(Vec::len),
        Filter::AnyRun(inner) | Filter::Root(inner) => named_traces(inner),
        Filter::Any(_) | Filter::Not(_) | Filter::Test(..) => None,
    }
}
