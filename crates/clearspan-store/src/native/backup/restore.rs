//! Putting a backup back.
//!
//! A restore that breaks off, for whatever reason, leaves its mark (see [`folder`]): nothing uses the folder then, so half
//! of a backup is never taken for all of it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use clearspan_model::ErrorKind;

use super::index::Entry;
use super::{Index, checksum};
use crate::error::Context;
use crate::native::disk::RealDisk;
use crate::native::{check, folder};
use crate::{CheckReport, Error, Result};

/// Copies a backup to a data folder, which must be empty or not exist, and reads everything in it. Fails, and leaves the
/// folder for a look and for nothing else, when a file is not what was backed up.
pub fn restore(from: &Path, to: &Path) -> Result<CheckReport> {
    let index = Index::load(from)?;
    let failed = || format!("restoring to {}", to.display());
    fs::create_dir_all(to).context(ErrorKind::Unavailable, failed)?;
    folder::refuse_unfinished_restore(to)?;
    if fs::read_dir(to).context(ErrorKind::Unavailable, failed)?.next().is_some() {
        let what = format!("the folder {} is not empty; choose a new one", to.display());
        return Err(Error::new(ErrorKind::Conflict, what));
    }
    folder::begin_restore(to).context(ErrorKind::Unavailable, failed)?;
    for file in index.files() {
        restore_file(from, to, file)?;
    }
    for folder in folders(to, index.files()) {
        File::open(&folder)
            .and_then(|folder| folder.sync_all())
            .context(ErrorKind::Unavailable, || format!("syncing {}", folder.display()))?;
    }
    let report = check::check_on(to, RealDisk::shared())?;
    if let Some(problem) = report.problems.first() {
        let what = format!("the backup is damaged: {}: {}", problem.file, problem.what);
        return Err(Error::new(ErrorKind::Corrupt, what));
    }
    folder::end_restore(to).context(ErrorKind::Unavailable, failed)?;
    Ok(report)
}

/// Copies one file and makes its bytes durable.
fn restore_file(from: &Path, to: &Path, file: &Entry) -> Result<()> {
    let (source, target) = (from.join(&file.path), to.join(&file.path));
    let failed = || format!("restoring {}", file.path.display());
    // A link could lead anywhere.
    let is_file = fs::symlink_metadata(&source).context(ErrorKind::Corrupt, failed)?.is_file();
    let folder = target.parent().expect("it is inside of the data folder");
    fs::create_dir_all(folder).context(ErrorKind::Unavailable, failed)?;
    if is_file {
        fs::copy(&source, &target).context(ErrorKind::Unavailable, failed)?;
    }
    if !is_file || checksum(&target).context(ErrorKind::Unavailable, failed)? != (file.bytes, file.crc32) {
        let what = format!("{} of the backup is damaged: it is not what was backed up", file.path.display());
        return Err(Error::new(ErrorKind::Corrupt, what));
    }
    File::open(&target).and_then(|file| file.sync_all()).context(ErrorKind::Unavailable, failed)
}

/// The folders that hold these files, and those that hold the folders.
fn folders(to: &Path, files: &[Entry]) -> BTreeSet<PathBuf> {
    let above = |file: &Entry| file.path.ancestors().skip(1).map(|path| to.join(path)).collect::<Vec<_>>();
    files.iter().flat_map(above).collect()
}
