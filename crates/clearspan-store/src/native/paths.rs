//! Names of files in the data folder, built and parsed in one place.
//!
//! ```text
//! <data dir>/lock                         held by the one process that owns the folder
//! <data dir>/restoring                    there while a backup is put back
//! <data dir>/runs/spill/                  what queries do not keep in memory; emptied at start
//! <data dir>/runs/manifest                the only truth about segments
//! <data dir>/runs/tombstones-<number>     what was deleted; the manifest names the one that counts
//! <data dir>/runs/log/log-<number>.log
//! <data dir>/runs/segments/seg-<number>.parquet
//! <data dir>/runs/segments/logs-<number>.parquet
//! <data dir>/runs/segments/points-<number>.parquet
//! <data dir>/runs/segments/<the same name>.sums   checksums of such a file
//! <data dir>/runs/search/<segment number>/
//! <data dir>/cache/                       copies of what is in a bucket
//! ```

use std::io;
use std::path::{Path, PathBuf};

use super::disk::Disk;

pub(crate) fn runs_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("runs")
}

pub(crate) fn cache_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("cache")
}

pub(crate) fn log_dir(data_dir: &Path) -> PathBuf {
    runs_dir(data_dir).join("log")
}

pub(crate) fn segment_dir(data_dir: &Path) -> PathBuf {
    runs_dir(data_dir).join("segments")
}

pub(crate) fn search_dir(data_dir: &Path) -> PathBuf {
    runs_dir(data_dir).join("search")
}

/// The folder of a segment's search index.
pub(crate) fn segment_index(search_dir: &Path, number: u64) -> PathBuf {
    search_dir.join(format!("{number:016}"))
}

/// What is in the folder of search indexes; the number is missing for what is none.
pub(crate) fn search_entries(search_dir: &Path) -> io::Result<Vec<(Option<u64>, PathBuf)>> {
    let entries = match std::fs::read_dir(search_dir) {
        Ok(entries) => entries,
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(err) => return Err(err),
    };
    let number = |entry: &std::fs::DirEntry| entry.file_name().to_str().and_then(|name| name.parse().ok());
    entries.map(|entry| entry.map(|entry| (number(&entry), entry.path()))).collect()
}

pub(crate) fn spill_dir(data_dir: &Path) -> PathBuf {
    runs_dir(data_dir).join("spill")
}

pub(crate) fn manifest_file(data_dir: &Path) -> PathBuf {
    runs_dir(data_dir).join("manifest")
}

pub(crate) fn tombstones_file(data_dir: &Path, number: u64) -> PathBuf {
    runs_dir(data_dir).join(format!("tombstones-{number:016}"))
}

/// The numbers of the files of tombstones in a folder, in order.
pub(crate) fn tombstones_numbers(disk: &dyn Disk, data_dir: &Path) -> io::Result<Vec<u64>> {
    numbers(disk, &runs_dir(data_dir), "tombstones-", "")
}

pub(crate) fn lock_file(data_dir: &Path) -> PathBuf {
    data_dir.join("lock")
}

pub(crate) fn restoring_file(data_dir: &Path) -> PathBuf {
    data_dir.join("restoring")
}

pub(crate) fn log_file(log_dir: &Path, number: u64) -> PathBuf {
    log_dir.join(format!("log-{number:016}.log"))
}

pub(crate) fn segment_file(segment_dir: &Path, number: u64) -> PathBuf {
    segment_dir.join(format!("seg-{number:016}.parquet"))
}

/// A file of one of the tables that are not runs.
pub(crate) fn record_file(segment_dir: &Path, table: &str, number: u64) -> PathBuf {
    segment_dir.join(format!("{table}-{number:016}.parquet"))
}

/// The numbers of the log files in a folder, in order.
pub(crate) fn log_numbers(disk: &dyn Disk, log_dir: &Path) -> io::Result<Vec<u64>> {
    numbers(disk, log_dir, "log-", ".log")
}

/// The numbers of the segments and other tables' files in a folder, in order.
pub(crate) fn segment_numbers(disk: &dyn Disk, segment_dir: &Path) -> io::Result<Vec<u64>> {
    let mut all = Vec::new();
    for prefix in ["seg-", "logs-", "points-"] {
        all.extend(numbers(disk, segment_dir, prefix, ".parquet")?);
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

fn numbers(disk: &dyn Disk, dir: &Path, prefix: &str, suffix: &str) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for name in disk.list(dir)? {
        let number: Option<u64> =
            name.to_str().and_then(|name| name.strip_prefix(prefix)?.strip_suffix(suffix)?.parse().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// A file that is there for a moment, to see whether there is room on the disk.
pub(crate) fn room_file(dir: &Path) -> PathBuf {
    dir.join("room.tmp")
}

/// The checksums of a Parquet file.
pub(crate) fn sums_file(file: &Path) -> PathBuf {
    file.with_extension("sums")
}

/// Removes a Parquet file that the manifest does not name, with its checksums. Failing does no harm: the next start
/// removes it.
pub(crate) fn remove_unnamed(disk: &dyn Disk, file: &Path) {
    for path in [file.to_owned(), sums_file(file)] {
        match disk.remove(&path) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(file = %path.display(), error = %err, "removing a file failed");
            }
            _ => tracing::debug!(file = %path.display(), "removed a file"),
        }
    }
}

/// Removes what a crash left among the segments: files that were not finished, and those that no manifest names.
pub(crate) fn remove_leftovers(
    disk: &dyn Disk,
    segment_dir: &Path,
    is_named: impl Fn(&str, u64) -> bool,
) -> io::Result<()> {
    for file_name in disk.list(segment_dir)? {
        let Some(name) = file_name.to_str() else { continue };
        let stem = name.strip_suffix(".parquet").or_else(|| name.strip_suffix(".sums"));
        let is_leftover = match stem.and_then(|stem| stem.split_once('-')) {
            Some((table @ ("seg" | "logs" | "points"), number)) => {
                number.parse().is_ok_and(|number| !is_named(table, number))
            }
            _ => name.ends_with(".tmp"),
        };
        if is_leftover {
            tracing::info!(file = name, "removing a leftover of a crash");
            disk.remove(&segment_dir.join(name))?;
        }
    }
    Ok(())
}
