//! Putting a backup back.

use std::fs::{self, File};
use std::path::Path;

use clearspan_model::ErrorKind;

use super::{Index, checksum};
use crate::error::Context;
use crate::native::check;
use crate::{CheckReport, Error, Result};

/// Copies a backup to a data folder, which must be empty or not exist, and reads everything in it. Fails, and leaves the
/// folder for a look, when a file is not what was backed up.
pub fn restore(from: &Path, to: &Path) -> Result<CheckReport> {
    let index = Index::load(from)?;
    let failed = || format!("restoring to {}", to.display());
    fs::create_dir_all(to).context(ErrorKind::Unavailable, failed)?;
    if fs::read_dir(to).context(ErrorKind::Unavailable, failed)?.next().is_some() {
        let what = format!("the folder {} is not empty; choose a new one", to.display());
        return Err(Error::new(ErrorKind::Conflict, what));
    }
    for file in index.files() {
        let (source, target) = (from.join(&file.path), to.join(&file.path));
        let failed = || format!("restoring {}", file.path.display());
        // A link could lead anywhere.
        let is_file = fs::symlink_metadata(&source).context(ErrorKind::Corrupt, failed)?.is_file();
        let folder = target.parent().expect("it is inside of the data folder");
        fs::create_dir_all(folder).context(ErrorKind::Unavailable, failed)?;
        if is_file {
            fs::copy(&source, &target).context(ErrorKind::Unavailable, failed)?;
        }
        if !is_file || checksum(&target).context(ErrorKind::Unavailable, failed)? != (file.bytes, file.crc32)
        {
            let what =
                format!("{} of the backup is damaged: it is not what was backed up", file.path.display());
            return Err(Error::new(ErrorKind::Corrupt, what));
        }
        let sync = |path: &Path| File::open(path).and_then(|file| file.sync_all());
        sync(&target).and_then(|()| sync(folder)).context(ErrorKind::Unavailable, failed)?;
    }
    let report = check(to)?;
    match report.problems.first() {
        None => Ok(report),
        Some(problem) => {
            let what = format!("the backup is damaged: {}: {}", problem.file, problem.what);
            Err(Error::new(ErrorKind::Corrupt, what))
        }
    }
}
