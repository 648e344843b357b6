//! A copy of the catalog in the bucket: without the projects in it, nobody would find the runs.
//!
//! Each claim has an object of its own, so a server that was left behind overwrites nothing that counts. It is written
//! before each flush, when the catalog has changed since: a project is in the copy before its first run is in a segment.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::remote::Remote;
use crate::native::disk::{self, Disk};
use crate::native::manifest::Claim;

const FOLDER: &str = "catalog";

/// Where the catalog is, and how a copy of it is made while it is used.
#[derive(Clone)]
pub struct CatalogFile {
    /// The file.
    pub path: PathBuf,
    /// Copies it to a file that does not exist.
    pub copy: Arc<CopyCatalog>,
}

/// See [`CatalogFile::copy`].
pub type CopyCatalog = dyn Fn(&Path) -> Result<(), Box<dyn std::error::Error + Send + Sync>> + Send + Sync;

impl fmt::Debug for CatalogFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CatalogFile").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Keeps the copy in step.
#[derive(Debug)]
pub(super) struct Keeper {
    file: CatalogFile,
    key: String,
    /// The checksum and length of what was stored last.
    stored: Mutex<Option<(u32, usize)>>,
}

impl Keeper {
    /// Takes the catalog from the bucket, unless the one in the folder is newer: when the folder's server had the bucket
    /// last.
    pub(super) fn open(
        local: &dyn Disk,
        remote: &Remote,
        file: CatalogFile,
        claim: &Claim,
        is_newest: bool,
    ) -> io::Result<Self> {
        let has_file = is_filled(local, &file.path)?;
        if !(has_file && is_newest)
            && let Some(newest) = remote.list(FOLDER)?.into_iter().map(|(name, _)| name).max()
        {
            let bytes = remote.get_all(&format!("{FOLDER}/{newest}"))?;
            // What SQLite had beside a file that is gone would be applied to this one, and its checksums are not of this one.
            put_aside(local, &file.path)?;
            disk::replace(local, &file.path, &bytes)?;
            tracing::info!(bytes = bytes.len(), "took the catalog from the bucket");
        }
        Ok(Self { file, key: format!("{FOLDER}/{:016}", claim.epoch), stored: Mutex::default() })
    }

    /// Stores a copy when it differs from the last one.
    pub(super) fn store(&self, local: &dyn Disk, remote: &Remote) -> io::Result<()> {
        if !local.exists(&self.file.path)? {
            return Ok(());
        }
        let copy = self.file.path.with_extension("copy");
        let mut stored = self.stored.lock();
        if local.exists(&copy)? {
            local.remove(&copy)?;
        }
        if let Err(err) = (self.file.copy)(&copy) {
            // It is in use just now, say. The next flush tries again; this one must not wait for it.
            tracing::warn!(error = %err, "the copy of the catalog in the bucket is not up to date");
            return Ok(());
        }
        let bytes = disk::read(local, &copy)?;
        let new = Some((crc32fast::hash(&bytes), bytes.len()));
        if *stored != new {
            remote.upload(&self.key, local.open(&copy)?)?;
            *stored = new;
        }
        local.remove(&copy)
    }
}

/// An empty file is no catalog.
fn is_filled(local: &dyn Disk, path: &Path) -> io::Result<bool> {
    Ok(local.exists(path)? && local.open(path)?.len() > 0)
}

/// Keeps a catalog that does not count, for people, with what SQLite and its checksums have beside it.
fn put_aside(local: &dyn Disk, path: &Path) -> io::Result<()> {
    let mut is_there = false;
    for end in ["", "-wal", "-shm", "-sums"] {
        let with = |end: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(end);
            PathBuf::from(name)
        };
        if is_filled(local, &with(end))? {
            is_there = true;
            local.rename(&with(end), &with(&format!(".before{end}")))?;
        }
    }
    if is_there {
        tracing::warn!(kept = %path.with_extension("sqlite.before").display(), "the bucket's catalog takes the place of the folder's");
    }
    Ok(())
}
