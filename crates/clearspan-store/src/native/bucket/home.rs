//! Whose the log in a local folder is.
//!
//! A log is meaningful only together with the manifest that says how much of it is in segments. Where that lies in a
//! bucket, the log says which one, and as which server it was written: `runs/log/bucket`, one JSON document. Before a claim
//! the new name is added, so that a crash between the two leaves no doubt.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::native::disk::{self, Disk};
use crate::native::manifest::Claim;
use crate::native::{log, paths};

/// What a folder knows of its bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Home {
    pub(super) bucket: String,
    /// The names under which this folder's server has claimed it: the last one, and one that may have failed.
    pub(super) servers: Vec<String>,
    /// Records of the log up to this one are in the bucket.
    pub(super) applied_seq: u64,
}

/// How the local log and the bucket go together.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Log {
    /// There is none.
    Empty,
    /// The bucket was claimed last by the server of this folder.
    Ours,
    /// Another server has claimed the bucket since, and these records never reached it.
    LeftBehind { records: u64 },
    /// It was written without this bucket.
    Foreign,
}

pub(super) fn file(data_dir: &Path) -> PathBuf {
    paths::log_dir(data_dir).join("bucket")
}

impl Home {
    pub(super) fn load(disk: &dyn Disk, data_dir: &Path) -> io::Result<Option<Self>> {
        match disk::read(disk, &file(data_dir)) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|err| {
                let what = format!("{} cannot be read: {err}", file(data_dir).display());
                io::Error::new(io::ErrorKind::InvalidData, what)
            }),
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(err) => Err(err),
        }
    }

    pub(super) fn store(&self, disk: &dyn Disk, data_dir: &Path) -> io::Result<()> {
        let bytes = serde_json::to_vec(self).expect("it has a JSON form");
        disk::replace(disk, &file(data_dir), &bytes)
    }
}

/// Finds out how the local log and the bucket go together.
pub(super) fn compare(
    disk: &dyn Disk,
    data_dir: &Path,
    home: Option<&Home>,
    claim: Option<&Claim>,
) -> io::Result<Log> {
    let dir = paths::log_dir(data_dir);
    let numbers = paths::log_numbers(disk, &dir)?;
    let Some(home) = home else {
        return Ok(if numbers.is_empty() { Log::Empty } else { Log::Foreign });
    };
    let is_ours = claim.is_some_and(|claim| claim.bucket == home.bucket);
    if is_ours && claim.is_some_and(|claim| home.servers.contains(&claim.server)) {
        return Ok(Log::Ours);
    }
    let mut records = 0;
    for number in numbers {
        let scan = log::scan_file(disk, &dir, number, None)?;
        records += scan.records.iter().filter(|record| record.seq.0 > home.applied_seq).count() as u64;
    }
    Ok(match (records, is_ours) {
        (0, _) => Log::Empty,
        (records, true) => Log::LeftBehind { records },
        (_, false) => Log::Foreign,
    })
}

/// Removes the local log.
pub(super) fn remove_log(disk: &dyn Disk, data_dir: &Path) -> io::Result<()> {
    let dir = paths::log_dir(data_dir);
    for number in paths::log_numbers(disk, &dir)? {
        disk.remove(&paths::log_file(&dir, number))?;
    }
    disk.sync_dir(&dir)
}
