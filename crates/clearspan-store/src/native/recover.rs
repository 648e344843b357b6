//! Recovery: replaying what the log holds beyond the segments.

use clearspan_model::ErrorKind;

use super::apply::Applier;
use super::commit::LogFiles;
use super::log::{self, RecordKind, Scan};
use super::{flush, paths, record};
use crate::error::Context;
use crate::{Error, Result};

/// Applies every record that is not in a segment yet. Returns the number of the next log file and of the next record.
pub(super) fn replay(applier: &mut Applier, log_files: &LogFiles) -> Result<(u64, u64)> {
    let dir = paths::log_dir(&applier.shared().config.dir);
    let numbers = paths::log_numbers(&dir).context(ErrorKind::Unavailable, || "listing the log".into())?;
    let (mut replayed, mut next_seq) = (0_u64, applier.applied().0 + 1);
    for number in &numbers {
        let scan = log::scan_file(&dir, *number)
            .context(ErrorKind::Corrupt, || format!("reading log file {number}"))?;
        report(&dir, *number, &scan)?;
        log_files.lock().push((*number, scan.records.first().map_or(next_seq, |record| record.seq.0)));
        for record in scan.records {
            next_seq = next_seq.max(record.seq.0 + 1);
            if record.seq <= applier.applied() {
                continue;
            }
            let Some(kind) = RecordKind::from_raw(record.kind) else {
                let (seq, kind) = (record.seq.0, record.kind);
                let what = format!(
                    "log record {seq} has kind {kind}, which this version does not know; start the newer version"
                );
                return Err(Error::new(ErrorKind::Corrupt, what));
            };
            applier.apply(record.seq, kind, &record::decode(kind, &record.payload)?)?;
            replayed += 1;
            if applier.is_full() {
                flush_now(applier)?;
            }
        }
    }
    if replayed > 0 {
        tracing::info!(records = replayed, "replayed the log");
    }
    Ok((numbers.last().map_or(1, |last| last + 1), next_seq))
}

/// Writes a segment in this thread: the others do not run yet.
fn flush_now(applier: &Applier) -> Result<()> {
    let Some(job) = applier.freeze(false)? else { return Ok(()) };
    applier.install(flush::write_segment(applier.shared(), job)?)
}

fn report(dir: &std::path::Path, number: u64, scan: &Scan) -> Result<()> {
    if scan.torn_bytes > 0 {
        tracing::warn!(
            file = number,
            bytes = scan.torn_bytes,
            "cut off an unfinished record at the end of the log"
        );
    }
    if scan.damage.is_empty() {
        return Ok(());
    }
    let bytes: u64 = scan.damage.iter().map(|(_, len)| len).sum();
    let (from, to) = (paths::log_file(dir, number), paths::log_file(dir, number).with_extension("damaged"));
    tracing::error!(
        file = number,
        bytes,
        kept = %to.display(),
        "the disk damaged records in the middle of the log; they are lost, a copy of the file is kept"
    );
    std::fs::copy(&from, &to).context(ErrorKind::Unavailable, || format!("keeping {}", from.display()))?;
    Ok(())
}
