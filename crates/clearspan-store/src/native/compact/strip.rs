//! Taking the payload out of rows.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::{interleave, or};
use clearspan_model::{ErrorKind, ProjectId, Run, RunId, RunKey, TraceId, UnixNanos, WorkspaceId};

use crate::Result;
use crate::error::Context;
use crate::schema::encode::encode_runs;
use crate::schema::messages::gather_messages;
use crate::schema::{Col, Kind, stored};

/// What was said, as opposed to what happened, beside [`stored::PARTS`]: names, times, tokens, cost and errors stay.
const PAYLOAD: &[Col] = &[
    Col::fragments,
    Col::invocation_params,
    Col::attributes,
    Col::events,
    Col::input_preview,
    Col::output_preview,
];

/// A row of a segment that says nothing.
static BLANK: LazyLock<RecordBatch> = LazyLock::new(|| {
    let key = RunKey {
        workspace_id: WorkspaceId::from_bytes([0; 16]),
        project_id: ProjectId::from_bytes([0; 16]),
        trace_id: TraceId::from_bytes([0; 16]),
        run_id: RunId::from_bytes([0; 16]),
    };
    let run = encode_runs(std::iter::once(&Run::new(key, UnixNanos::default())));
    stored::gather(&[&run], &[(0, 0)]).expect("a row that says nothing can be stored")
});

/// The same rows of a segment, those that are marked without their payload.
pub(super) fn strip(batch: &RecordBatch, marked: &BooleanArray) -> Result<RecordBatch> {
    let stripping = || "taking payloads out of rows".to_owned();
    let places: Vec<(usize, usize)> = marked
        .iter()
        .enumerate()
        .map(|(row, is_marked)| if is_marked == Some(true) { (1, 0) } else { (0, row) })
        .collect();
    let mut columns: Vec<ArrayRef> = batch.columns().to_vec();
    let kinds: Vec<Kind> = stored::columns().map(|column| column.kind).collect();
    for col in stored::PARTS.iter().chain(PAYLOAD) {
        let place = *col as usize;
        let arrays: [&dyn Array; 2] = [columns[place].as_ref(), BLANK.column(place).as_ref()];
        columns[place] = match kinds[place] {
            Kind::Messages => gather_messages(&arrays, &places),
            _ => interleave(&arrays, &places).context(ErrorKind::Internal, stripping)?,
        };
    }
    let removed = BooleanArray::from_iter(marked.iter().map(|is_marked| Some(is_marked == Some(true))));
    let was_removed = was_removed(batch);
    let removed = or(&removed, &was_removed).context(ErrorKind::Internal, stripping)?;
    columns[Col::payload_removed as usize] = Arc::new(removed);
    RecordBatch::try_new(batch.schema(), columns).context(ErrorKind::Internal, stripping)
}

/// Which rows have lost their payload before.
pub(super) fn was_removed(batch: &RecordBatch) -> BooleanArray {
    use arrow::array::AsArray;
    let column = batch.column_by_name(Col::payload_removed.name()).and_then(|column| column.as_boolean_opt());
    match column {
        Some(flags) => flags.iter().map(|flag| Some(flag == Some(true))).collect(),
        None => BooleanArray::from(vec![false; batch.num_rows()]),
    }
}
