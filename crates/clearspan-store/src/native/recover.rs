//! Recovery: replaying what the log holds beyond the segments.

use std::path::Path;
use std::sync::Arc;

use clearspan_model::ErrorKind;

use super::apply::Applier;
use super::commit::LogFiles;
use super::disk::{self, Disk};
use super::health::{Trouble, is_from_disk};
use super::log::{self, Continuation, RecordKind, Scan};
use super::{flush, paths, record};
use crate::error::Context;
use crate::{Error, Result};

/// Applies every record that is not in a segment yet. Returns where the log goes on.
pub(super) fn replay(applier: &mut Applier, log_files: &LogFiles) -> Result<Continuation> {
    let dir = paths::log_dir(&applier.shared().config.dir);
    let disk = Arc::clone(&applier.shared().disk);
    let numbers =
        paths::log_numbers(&*disk, &dir).context(ErrorKind::Unavailable, || "listing the log".into())?;
    let (mut replayed, mut next_seq) = (0_u64, applier.applied().0 + 1);
    let firsts = first_seqs(&*disk, &dir, &numbers)?;
    for (idx, number) in numbers.iter().enumerate() {
        let end = next_first(&firsts, idx);
        let mut scan = log::scan_file(&*disk, &dir, *number, end)
            .context(ErrorKind::Corrupt, || format!("reading log file {number}"))?;
        if let (None, Some(first)) = (firsts[idx], scan.records.first())
            && first.seq.0 > next_seq
        {
            // Its header does not say where it begins; the file before does.
            scan.lost.insert(0, (next_seq, first.seq.0 - 1));
        }
        // What is in a segment is not missed.
        scan.lost.retain(|(_, last)| *last > applier.applied().0);
        report(&*disk, &dir, *number, &scan)?;
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
    Ok(Continuation { number: numbers.last().map_or(1, |last| last + 1), first_seq: next_seq })
}

/// Writes a segment in this thread: the others do not run yet. On a disk that takes no writes that is put off, and what
/// comes stays in memory.
fn flush_now(applier: &mut Applier) -> Result<()> {
    let Some(job) = applier.freeze(false)? else { return Ok(()) };
    match flush::write_segment(applier.shared(), &job) {
        Ok(flushed) => applier.install_now(flushed),
        Err(err) if is_from_disk(&err) => {
            applier.shared().health.begin(Trouble::Flush, &err);
            applier.unwritten = Some(job);
            Ok(())
        }
        Err(err) => Err(err),
    }
}

/// The first record of each file, as far as their headers say.
pub(super) fn first_seqs(disk: &dyn Disk, dir: &Path, numbers: &[u64]) -> Result<Vec<Option<u64>>> {
    let of = |number: &u64| log::first_seq(disk, dir, *number);
    numbers
        .iter()
        .map(of)
        .collect::<std::io::Result<_>>()
        .context(ErrorKind::Corrupt, || "reading the log".into())
}

/// Where the records of a file end that count: at the first one of the next file that says so.
pub(super) fn next_first(firsts: &[Option<u64>], idx: usize) -> Option<u64> {
    firsts[idx + 1..].iter().copied().flatten().next()
}

fn report(disk: &dyn Disk, dir: &Path, number: u64, scan: &Scan) -> Result<()> {
    if scan.torn_bytes > 0 {
        tracing::warn!(
            file = number,
            bytes = scan.torn_bytes,
            "cut off an unfinished record at the end of the log"
        );
    }
    if scan.abandoned > 0 {
        tracing::info!(
            file = number,
            records = scan.abandoned,
            "left out records that were never acknowledged"
        );
    }
    if scan.is_sound() {
        return Ok(());
    }
    let bytes: u64 = scan.damage.iter().map(|(_, len)| len).sum();
    let (from, to) = (paths::log_file(dir, number), paths::log_file(dir, number).with_extension("damaged"));
    tracing::error!(
        file = number,
        bytes,
        records = ?scan.lost,
        kept = %to.display(),
        "the disk damaged the log; what does not check is lost, a copy of the file is kept"
    );
    disk::read(disk, &from)
        .and_then(|bytes| disk::replace(disk, &to, &bytes))
        .context(ErrorKind::Unavailable, || format!("keeping {}", from.display()))?;
    Ok(())
}
