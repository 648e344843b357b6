//! Purging: what was deleted goes from the disk.
//!
//! The order matters. A flush brings everything into files, and lets a flush that was under way end: what it carries
//! over, it had logged again. Then the log begins a new file, and a second flush covers the one before, so that it can
//! go. Only then are files rewritten: what is dead in the manifest is left out of them.

use std::sync::Arc;

use arrow::array::RecordBatch;
use clearspan_model::ErrorKind;

use super::compact::{RowTest, Sift};
use super::records::RecordColumn;
use super::state::Shared;
use super::{NativeStore, blocking, paths};
use crate::error::Context;
use crate::schema::Col;
use crate::schema::decode::Rows;
use crate::schema::logs::LogCol;
use crate::schema::points::PointCol;
use crate::schema::rows::TableRows;
use crate::tombstones::Tombstones;
use crate::{PayloadExpiry, PurgeReport, Result};

pub(super) async fn purge(store: &NativeStore, expiries: &[PayloadExpiry]) -> Result<PurgeReport> {
    let logs_before = log_files(store).await?;
    store.committer.flush().await?;
    store.committer.rotate_log().await?;
    store.committer.flush().await?;
    // What was deleted up to here is dead in the manifest, and no file that comes later holds any of it.
    let seq = store.shared.manifest.lock().applied_seq;
    let rewritten = store.purge_with(sift(&store.shared, expiries.to_vec())).await?;
    let (rows_deleted, rows_deleted_before) = store.shared.compaction.take_deleted();
    store.committer.note_purged(seq).await?;
    let logs_after = log_files(store).await?;
    let gone = logs_before.iter().filter(|(number, _)| !logs_after.iter().any(|(kept, _)| kept == number));
    Ok(PurgeReport {
        files_removed: rewritten.files_removed,
        files_written: rewritten.files_written,
        bytes_removed: rewritten.bytes_removed,
        bytes_written: rewritten.bytes_written,
        rows_removed: rewritten.rows_removed,
        rows_deleted,
        rows_deleted_before,
        rows_stripped: rewritten.rows_stripped,
        log_files_removed: gone.clone().count() as u64,
        log_bytes_removed: gone.map(|(_, bytes)| bytes).sum(),
    })
}

/// What a rewrite takes out of files.
fn sift(shared: &Shared, expiries: Vec<PayloadExpiry>) -> Sift {
    let tombstones = Arc::clone(&shared.state.read().tombstones);
    Sift {
        strip_runs: (!expiries.is_empty()).then(|| is_expired(expiries)),
        drop_logs: is_deleted::<LogCol>(&tombstones),
        drop_points: is_deleted::<PointCol>(&tombstones),
    }
}

/// Marks the rows of a table that tombstones hide. `None` when there are no tombstones.
pub(super) fn is_deleted<C: RecordColumn>(tombstones: &Arc<Tombstones>) -> Option<RowTest> {
    if tombstones.is_empty() {
        return None;
    }
    let tombstones = Arc::clone(tombstones);
    Some(Arc::new(move |batch: &RecordBatch| {
        let rows = TableRows::<C>::new(batch);
        (0..batch.num_rows()).map(|row| rows.is_deleted(row, &tombstones).map(Some)).collect()
    }))
}

/// Marks the runs that are to lose their payload.
fn is_expired(expiries: Vec<PayloadExpiry>) -> RowTest {
    Arc::new(move |batch: &RecordBatch| {
        let rows = Rows::new(batch);
        let is_expired = |row: usize| -> Result<Option<bool>> {
            let (workspace_id, project_id) = rows.tenant(row)?;
            let received_at = rows.time(Col::received_at, row).unwrap_or_default();
            Ok(Some(expiries.iter().any(|expiry| {
                expiry.workspace_id == workspace_id
                    && expiry.project_id == project_id
                    && received_at < expiry.received_before
            })))
        };
        (0..batch.num_rows()).map(is_expired).collect()
    })
}

/// The files of the log and their bytes.
async fn log_files(store: &NativeStore) -> Result<Vec<(u64, u64)>> {
    let shared = Arc::clone(&store.shared);
    blocking(move || {
        let dir = paths::log_dir(&shared.config.dir);
        let listing = || "listing the log".to_owned();
        let numbers = paths::log_numbers(&*shared.disk, &dir).context(ErrorKind::Unavailable, listing)?;
        // A file that was removed meanwhile is no file any more.
        let bytes =
            |number: u64| std::fs::metadata(paths::log_file(&dir, number)).ok().map(|meta| meta.len());
        Ok(numbers.into_iter().filter_map(|number| Some((number, bytes(number)?))).collect())
    })
    .await
}
