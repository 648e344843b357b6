//! Sorting and keyset paging.
//!
//! Rows without the sort value come last in both directions, and rows of equal value are in ascending order of
//! trace and run. A page begins after the place that its cursor names, whether or not that row still exists.

use clearspan_model::{Decimal, ErrorKind, ProjectId, RunId, TraceId};

use crate::{Cursor, Error, Order, Result, RunQuery, RunSummary, SortKey, TraceSummary};

/// A row that can be sorted and pointed at.
pub(super) trait Row {
    fn sort_value(&self, key: SortKey) -> Option<i128>;
    fn project_id(&self) -> ProjectId;
    fn trace_id(&self) -> TraceId;
    fn run_id(&self) -> Option<RunId>;
}

/// Sorts the rows and takes one page of them.
pub(super) fn cut<R: Row>(mut rows: Vec<R>, query: &RunQuery) -> Result<(Vec<R>, Option<Cursor>)> {
    let order = query.order;
    rows.sort_by_key(|row| (place(row, order), row.project_id()));
    if let Some(cursor) = &query.after {
        if cursor.order != order {
            return Err(Error::new(ErrorKind::InvalidInput, "the cursor belongs to another sort order"));
        }
        let after = (rank(cursor.value, order), cursor.trace_id, cursor.run_id);
        rows.retain(|row| place(row, order) > after);
    }
    let has_more = rows.len() > query.limit;
    rows.truncate(query.limit);
    let last = rows.last().filter(|_| has_more);
    let next = last.map(|row| Cursor {
        order,
        value: row.sort_value(order.by),
        trace_id: row.trace_id(),
        run_id: row.run_id(),
    });
    Ok((rows, next))
}

fn place<R: Row>(row: &R, order: Order) -> ((bool, i128), TraceId, Option<RunId>) {
    (rank(row.sort_value(order.by), order), row.trace_id(), row.run_id())
}

/// Grows down the page.
fn rank(value: Option<i128>, order: Order) -> (bool, i128) {
    let directed = match value {
        Some(value) if order.descending => -value,
        Some(value) => value,
        None => 0,
    };
    (value.is_none(), directed)
}

/// Dollars as an integer of 10⁻¹²; what is finer is cut off, what is larger stops at the largest.
fn picodollars(cost: Decimal) -> i128 {
    let scale = cost.scale();
    if scale > 12 {
        return cost.mantissa() / 10_i128.pow(scale - 12);
    }
    let limit = i128::MAX;
    let factor = 10_i128.pow(12 - scale);
    cost.mantissa().checked_mul(factor).unwrap_or(if cost.is_sign_negative() { -limit } else { limit })
}

impl Row for RunSummary {
    fn sort_value(&self, key: SortKey) -> Option<i128> {
        match key {
            SortKey::Start => Some(self.start_time.as_nanos().into()),
            SortKey::Latency => self.latency_nanos().map(i128::from),
            SortKey::Cost => self.total_cost.map(picodollars),
            SortKey::Tokens => self.total_tokens.map(i128::from),
        }
    }

    fn project_id(&self) -> ProjectId {
        self.project_id
    }

    fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    fn run_id(&self) -> Option<RunId> {
        Some(self.run_id)
    }
}

impl Row for TraceSummary {
    fn sort_value(&self, key: SortKey) -> Option<i128> {
        match key {
            SortKey::Start => Some(self.start_time.as_nanos().into()),
            SortKey::Latency => super::trace_latency(self).map(i128::from),
            SortKey::Cost => self.total_cost.map(picodollars),
            SortKey::Tokens => self.total_tokens.map(i128::from),
        }
    }

    fn project_id(&self) -> ProjectId {
        self.root.project_id
    }

    fn trace_id(&self) -> TraceId {
        self.root.trace_id
    }

    fn run_id(&self) -> Option<RunId> {
        None
    }
}
