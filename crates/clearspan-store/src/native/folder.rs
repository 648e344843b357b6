//! The data folder as a whole: who may use it, and whether it is one.
//!
//! `lock` is held by the one process that owns the folder. `restoring` is there while a backup is put back: it is made
//! before the first file and removed when all of them are durable, so a folder that has it is not whole.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::Path;

use clearspan_model::ErrorKind;

use super::backup::Index;
use super::disk::{Disk, RealDisk};
use super::manifest::Manifest;
use super::{log, paths};
use crate::error::Context;
use crate::{Error, Result};

/// What is written to `restoring`, for people.
const RESTORING: &[u8] = b"A backup is being put back here; this file is removed when all of it is there.\n";

/// Why a folder cannot be locked: another process has it.
#[derive(Debug)]
struct InUse;

impl fmt::Display for InUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("another process holds its lock")
    }
}

impl std::error::Error for InUse {}

/// Whether an error says that another process has the data folder.
pub fn is_in_use(err: &Error) -> bool {
    std::error::Error::source(err).is_some_and(|cause| cause.is::<InUse>())
}

/// Makes the folder where it is missing, and makes sure that no other process writes to it.
pub(super) fn lock(dir: &Path) -> Result<File> {
    // Before anything is made there, and again when nobody can begin a restore any more.
    refuse_other_folder(dir)?;
    fs::create_dir_all(dir)
        .context(ErrorKind::Unavailable, || format!("making the data folder {}", dir.display()))?;
    let path = paths::lock_file(dir);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .or_else(|err| match err.kind() {
            // The disk can be read all the same.
            io::ErrorKind::ReadOnlyFilesystem => File::open(&path),
            _ => Err(err),
        })
        .context(ErrorKind::Unavailable, || format!("opening {}", path.display()))?;
    take(dir, &file)?;
    refuse_other_folder(dir)?;
    Ok(file)
}

/// The same for somebody who only looks: nothing is made. Without a file to lock nobody has ever used the folder.
pub(super) fn lock_to_look(dir: &Path) -> Result<Option<File>> {
    let path = paths::lock_file(dir);
    let opened = File::options().write(true).open(&path).or_else(|err| match err.kind() {
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => File::open(&path),
        _ => Err(err),
    });
    let file = match opened {
        Ok(file) => Some(file),
        Err(err) if err.kind() == io::ErrorKind::NotFound => None,
        Err(err) => {
            return Err(Error::caused(ErrorKind::Unavailable, format!("opening {}", path.display()), err));
        }
    };
    file.as_ref().map_or(Ok(()), |file| take(dir, file))?;
    refuse_other_folder(dir)?;
    Ok(file)
}

fn take(dir: &Path, file: &File) -> Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            let what = format!(
                "the data folder {} is in use by another clearspan process; stop it first",
                dir.display()
            );
            Err(Error::caused(ErrorKind::Conflict, what, InUse))
        }
        Err(TryLockError::Error(source)) => {
            let what = format!("locking {}", paths::lock_file(dir).display());
            Err(Error::caused(ErrorKind::Unavailable, what, source))
        }
    }
}

/// Fails when a folder is something else than the data of a server: a backup, which stays as it was made, a folder that
/// holds backups, or one into which a backup was not put back to its end.
pub fn refuse_other_folder(dir: &Path) -> Result<()> {
    refuse_unfinished_restore(dir)?;
    let is_data = || paths::runs_dir(dir).exists() || !dir.exists();
    let what = if Index::exists(dir) {
        "is a backup"
    } else if !is_data() && Index::all_in(dir).is_ok_and(|backups| !backups.is_empty()) {
        "holds backups"
    } else {
        return Ok(());
    };
    let what = format!(
        "{} {what} and is no data folder; `clearspan restore --from` it into a new folder, which compares all of it with \
         its checksums",
        dir.display()
    );
    Err(Error::new(ErrorKind::InvalidInput, what))
}

/// Fails when a backup was not put back to its end: what is in the folder is a part of it.
pub(super) fn refuse_unfinished_restore(dir: &Path) -> Result<()> {
    let path = paths::restoring_file(dir);
    let is_there =
        fs::exists(&path).context(ErrorKind::Unavailable, || format!("looking for {}", path.display()))?;
    if !is_there {
        return Ok(());
    }
    let what = format!(
        "the restore into this folder was not finished; remove the folder and restore again: {}",
        dir.display()
    );
    Err(Error::new(ErrorKind::Corrupt, what))
}

/// Whether the store in a folder has ever kept something: files that its manifest names, or records in the log. Nobody has
/// to own the folder for that. What is in a bucket alone is not seen.
pub fn holds_data(dir: &Path) -> Result<bool> {
    holds_data_on(&RealDisk, dir)
}

/// The same for a folder whose manifest may be elsewhere.
pub(super) fn holds_data_on(disk: &dyn Disk, dir: &Path) -> Result<bool> {
    let failed = || format!("looking for runs in {}", dir.display());
    let manifest = Manifest::load(disk, dir).context(ErrorKind::Corrupt, failed)?.unwrap_or_default();
    if !(manifest.segments.is_empty() && manifest.logs.is_empty() && manifest.points.is_empty()) {
        return Ok(true);
    }
    let log_dir = paths::log_dir(dir);
    if !disk.exists(&log_dir).context(ErrorKind::Unavailable, failed)? {
        return Ok(false);
    }
    for number in paths::log_numbers(disk, &log_dir).context(ErrorKind::Unavailable, failed)? {
        if log::holds_records(disk, &log_dir, number).context(ErrorKind::Unavailable, failed)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Notes, durably, that a restore is under way.
pub(super) fn begin_restore(dir: &Path) -> io::Result<()> {
    let mut file = File::create_new(paths::restoring_file(dir))?;
    file.write_all(RESTORING)?;
    file.sync_all()?;
    RealDisk.sync_dir(dir)?;
    // The folder itself may be new.
    match fs::canonicalize(dir)?.parent() {
        Some(parent) => RealDisk.sync_dir(parent),
        None => Ok(()),
    }
}

/// Makes a folder whose files are all there one that can be used.
pub(super) fn end_restore(dir: &Path) -> io::Result<()> {
    fs::remove_file(paths::restoring_file(dir))?;
    RealDisk.sync_dir(dir)
}
