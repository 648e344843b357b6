//! Copies of a catalog, and one that is taken as it is.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use clearspan_model::ErrorKind;

use super::guard::{Guard, sums_file};
use super::sums::Sums;
use super::{SqliteCatalog, failed, migrations};
use crate::{Error, Result};

/// The versions of the format for writing and reading, at byte 18 of a file.
const WAL_MARK: [u8; 2] = [2, 2];

impl SqliteCatalog {
    /// Copies a catalog that may be in use, as it is at one moment, to a file that does not exist. Fails when it is damaged.
    pub fn copy(from: &Path, to: &Path) -> Result<()> {
        let guard = Guard::for_writing(from)?;
        guard.compare()?;
        let catalog = Self::connect(from, guard)?;
        catalog
            .connection
            .lock()
            .execute("VACUUM INTO ?1", [to.to_string_lossy()])
            .map_err(|err| failed(format!("copy the catalog {}", from.display()), err))?;
        finish_copy(to)
            .map_err(|err| Error::caused(ErrorKind::Unavailable, format!("sync {}", to.display()), err))
    }

    /// [`Self::copy`], and the checksums of the copy beside it, whose path is returned.
    pub fn copy_with_sums(from: &Path, to: &Path) -> Result<PathBuf> {
        Self::copy(from, to)?;
        let sums = sums_file(to);
        File::open(to)
            .and_then(|copy| Sums::of(&copy, 1)?.store(&sums, &copy))
            .map_err(|err| Error::caused(ErrorKind::Unavailable, format!("write {}", sums.display()), err))?;
        Ok(sums)
    }

    /// Takes a file as it is that differs from its checksums, when SQLite finds it sound. Nobody may have it open.
    pub fn accept(path: &Path) -> Result<()> {
        let guard = Guard::for_writing(path)?;
        guard.demand_alone()?;
        let catalog = Self::connect(path, guard)?;
        let accept = || {
            migrations::check_version(&catalog.connection.lock())?;
            catalog.demand_order("integrity_check")?;
            let connection = catalog.connection.lock();
            catalog.guard.accept(&connection)?;
            catalog.guard.checkpoint(&connection).map(|_| ())
        };
        accept().inspect_err(|_| catalog.guard.leave_alone())
    }
}

/// Makes a copy durable. SQLite writes it with the mark of a file without WAL, and would change that when it is opened: its
/// checksums are to be right then.
fn finish_copy(to: &Path) -> io::Result<()> {
    let copy = OpenOptions::new().write(true).open(to)?;
    copy.write_all_at(&WAL_MARK, 18)?;
    copy.sync_all()
}
