//! Names of files in the data folder, built and parsed in one place, and the rules for replacing them.
//!
//! ```text
//! <data dir>/lock                         held by the one process that owns the folder
//! <data dir>/runs/manifest                the only truth about segments
//! <data dir>/runs/log/log-<number>.log
//! <data dir>/runs/segments/seg-<number>.parquet
//! <data dir>/runs/segments/logs-<number>.parquet
//! <data dir>/runs/segments/points-<number>.parquet
//! ```

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub(crate) fn runs_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("runs")
}

pub(crate) fn log_dir(data_dir: &Path) -> PathBuf {
    runs_dir(data_dir).join("log")
}

pub(crate) fn segment_dir(data_dir: &Path) -> PathBuf {
    runs_dir(data_dir).join("segments")
}

pub(crate) fn manifest_file(data_dir: &Path) -> PathBuf {
    runs_dir(data_dir).join("manifest")
}

pub(crate) fn lock_file(data_dir: &Path) -> PathBuf {
    data_dir.join("lock")
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
pub(crate) fn log_numbers(log_dir: &Path) -> io::Result<Vec<u64>> {
    numbers(log_dir, "log-", ".log")
}

/// The numbers of the segments and other tables' files in a folder, in order.
pub(crate) fn segment_numbers(segment_dir: &Path) -> io::Result<Vec<u64>> {
    let mut all = Vec::new();
    for prefix in ["seg-", "logs-", "points-"] {
        all.extend(numbers(segment_dir, prefix, ".parquet")?);
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

fn numbers(dir: &Path, prefix: &str, suffix: &str) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        let number: Option<u64> =
            name.to_str().and_then(|name| name.strip_prefix(prefix)?.strip_suffix(suffix)?.parse().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Makes the names in a folder durable: new files, renames, removals.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Replaces a file as a whole: a crash leaves either the old one or the new one.
pub(crate) fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    sync_dir(path.parent().expect("a file lies in a folder"))
}
