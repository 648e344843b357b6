//! The list of what a backup holds: a first line `clearspan-backup 1 <crc32 of the rest, hex>`, then one JSON document.

use std::fs::{self, File};
use std::path::{Component, Path, PathBuf};

use clearspan_model::ErrorKind;
use serde::{Deserialize, Serialize};

use super::CopiedFile;
use crate::error::Context;
use crate::native::disk::{self, RealDisk};
use crate::{Error, Result};

const FILE: &str = "backup.index";
const NAME: &str = "clearspan-backup";
const VERSION: u32 = 1;

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// When it was begun; everything acknowledged before is in it.
    pub made_at: String,
    files: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    pub(super) crc32: u32,
}

impl Index {
    /// Of files that were copied.
    pub fn new(made_at: String, files: &[CopiedFile]) -> Self {
        let entry =
            |file: &CopiedFile| Entry { path: file.path.clone(), bytes: file.bytes, crc32: file.crc32 };
        Self { made_at, files: files.iter().map(entry).collect() }
    }

    pub(super) fn files(&self) -> &[Entry] {
        &self.files
    }

    /// The length and checksum of a file.
    pub(super) fn find(&self, path: &Path) -> Option<(u64, u32)> {
        self.files.iter().find(|file| file.path == path).map(|file| (file.bytes, file.crc32))
    }

    /// Makes a folder a backup that is whole.
    pub fn store(&self, folder: &Path) -> Result<()> {
        let failed = || format!("finishing the backup {}", folder.display());
        let body = serde_json::to_vec(self).expect("an index has a JSON form");
        let mut bytes = format!("{NAME} {VERSION} {:08x}\n", crc32fast::hash(&body)).into_bytes();
        bytes.extend_from_slice(&body);
        disk::replace(&RealDisk, &folder.join(FILE), &bytes).context(ErrorKind::Unavailable, failed)?;
        let parent = folder.parent().unwrap_or(Path::new("."));
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        File::open(parent).and_then(|parent| parent.sync_all()).context(ErrorKind::Unavailable, failed)
    }

    /// Whether a folder is a backup that is whole.
    pub fn exists(folder: &Path) -> bool {
        folder.join(FILE).is_file()
    }

    /// The backups in a folder that are whole, oldest first: their names are their times.
    pub fn all_in(folder: &Path) -> Result<Vec<PathBuf>> {
        let failed = || format!("reading {}", folder.display());
        let entries = fs::read_dir(folder).context(ErrorKind::NotFound, failed)?;
        let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<Vec<_>>>();
        let mut backups = paths.context(ErrorKind::Unavailable, failed)?;
        backups.retain(|path| Self::exists(path));
        backups.sort();
        Ok(backups)
    }

    /// Reads the list of a backup.
    pub fn load(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let bad = |what: &str| Error::new(ErrorKind::Corrupt, format!("{} {what}", path.display()));
        let bytes = fs::read(&path).context(ErrorKind::NotFound, || {
            format!("{} is no backup, or one that was not finished", folder.display())
        })?;
        let text = std::str::from_utf8(&bytes).map_err(|_| bad("is damaged"))?;
        let (header, body) = text.split_once('\n').ok_or_else(|| bad("is damaged"))?;
        let [NAME, version, crc] = header.split(' ').collect::<Vec<_>>()[..] else {
            return Err(bad("is damaged"));
        };
        if version.parse::<u32>().is_ok_and(|version| version > VERSION) {
            return Err(bad("was made by a newer version; restore it with that one"));
        }
        if u32::from_str_radix(crc, 16).ok() != Some(crc32fast::hash(body.as_bytes())) {
            return Err(bad("is damaged: its checksum does not match"));
        }
        let index: Self = serde_json::from_str(body).map_err(|_| bad("cannot be read"))?;
        let is_inside = |file: &Entry| {
            file.path.components().all(|part| matches!(part, Component::Normal(_)))
                && file.path.components().next().is_some()
        };
        if !index.files.iter().all(is_inside) {
            return Err(bad("names files outside of the backup"));
        }
        Ok(index)
    }
}
