//! Copies of a data folder's runs, made while a server may be writing to it.
//!
//! Nothing has to stop and nobody has to be asked: segments never change, the manifest is replaced as a whole, and a
//! log only grows. The copy is whole when the manifest was the same before and after its segments and the log were
//! copied: then the log that was copied holds everything that is not in those segments. Where a flush or a compaction came
//! between, it begins again, with what it has. A record that was being written is a torn tail of the copy.
//!
//! What is acknowledged before the copy begins is in it. A backup is whole when it has an index (see [`Index`]), which is
//! written last.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clearspan_model::ErrorKind;

use super::cache::SegmentCache;
use super::disk::{DiskRef, RealDisk};
use super::manifest::Manifest;
use super::paths;
use super::records::{FileEntry, RecordColumn, RecordFile};
use super::segment::Segment;
use crate::error::Context;
use crate::schema::logs::LogCol;
use crate::schema::points::PointCol;
use crate::{Error, Result};

mod index;
mod restore;

pub use index::Index;
pub use restore::restore;

/// How often it begins again at most, and how long it waits before.
const ATTEMPTS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(50);

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopiedFile {
    /// Its place in the data folder.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// The checksum of its content.
    pub crc32: u32,
    /// Whether it was taken from an older backup or shares its bytes with the data folder.
    pub linked: bool,
}

/// Copies the runs of the data folder `dir` to the folder `to`. Files that the backup `older` has already are linked
/// from there.
pub fn copy_runs(dir: &Path, to: &Path, older: Option<(&Path, &Index)>) -> Result<Vec<CopiedFile>> {
    super::folder::refuse_other_folder(dir)?;
    super::bucket::refuse_bucket_folder(dir)?;
    let failed = || format!("copying {}", dir.display());
    for folder in [paths::segment_dir(to), paths::log_dir(to)] {
        fs::create_dir_all(&folder)
            .context(ErrorKind::Unavailable, || format!("making {}", folder.display()))?;
    }
    let mut copy = Copy { dir, to, older, files: BTreeMap::new() };
    for _ in 0..ATTEMPTS {
        let manifest = copy.manifest().context(ErrorKind::Unavailable, failed)?;
        let entries =
            manifest.as_deref().map(Manifest::parse).transpose().context(ErrorKind::Corrupt, failed)?;
        let done = copy.attempt(&entries.unwrap_or_default(), manifest.as_deref());
        if done.context(ErrorKind::Unavailable, failed)? {
            let disk = RealDisk::shared();
            let copied = Manifest::load(&*disk, to);
            let copied = copied.context(ErrorKind::Corrupt, || "reading the copy".into())?;
            copied.map_or(Ok(()), |copied| verify(&disk, to, &copied))?;
            return Ok(copy.files.into_values().collect());
        }
        std::thread::sleep(PAUSE);
    }
    let what = "the data folder changed faster than it could be copied; try again when less is written";
    Err(Error::new(ErrorKind::Overloaded, what))
}

struct Copy<'a> {
    dir: &'a Path,
    to: &'a Path,
    older: Option<(&'a Path, &'a Index)>,
    /// By their place in the data folder.
    files: BTreeMap<PathBuf, CopiedFile>,
}

impl Copy<'_> {
    fn manifest(&self) -> io::Result<Option<Vec<u8>>> {
        optional(fs::read(paths::manifest_file(self.dir)))
    }

    /// False when the folder changed meanwhile.
    fn attempt(&mut self, manifest: &Manifest, bytes: Option<&[u8]>) -> io::Result<bool> {
        let wanted = manifest.files();
        for path in &wanted {
            if !self.files.contains_key(path) && !self.place(path)? {
                return Ok(false);
            }
        }
        // What an earlier attempt took and this manifest does not name, and the log of that attempt.
        let gone: Vec<PathBuf> = self.files.keys().filter(|path| !wanted.contains(*path)).cloned().collect();
        for path in gone {
            fs::remove_file(self.to.join(&path))?;
            self.files.remove(&path);
        }
        for path in self.changing()? {
            // A log file that is covered goes away; the manifest tells.
            self.copy(&path)?;
        }
        if self.manifest()?.as_deref() != bytes {
            return Ok(false);
        }
        if bytes.is_some() && !self.copy(&paths::manifest_file(Path::new("")))? {
            return Ok(false);
        }
        // The manifest may have been replaced between the two reads.
        let copied = optional(fs::read(paths::manifest_file(self.to)))?;
        if copied.as_deref() != bytes {
            return Ok(false);
        }
        for folder in [paths::segment_dir(self.to), paths::log_dir(self.to), paths::runs_dir(self.to)] {
            File::open(folder)?.sync_all()?;
        }
        Ok(true)
    }

    /// Files that do not stay as they are: the log, and what lies beside the manifest.
    fn changing(&self) -> io::Result<BTreeSet<PathBuf>> {
        let mut files = BTreeSet::new();
        for folder in [paths::log_dir(Path::new("")), paths::runs_dir(Path::new(""))] {
            let Some(entries) = optional(fs::read_dir(self.dir.join(&folder)))? else { continue };
            for entry in entries {
                let entry = entry?;
                let is_temporary = Path::new(&entry.file_name()).extension().is_some_and(|end| end == "tmp");
                let path = folder.join(entry.file_name());
                let is_manifest = path == paths::manifest_file(Path::new(""));
                if entry.file_type()?.is_file() && !is_temporary && !is_manifest {
                    files.insert(path);
                }
            }
        }
        Ok(files)
    }

    /// Takes a file that never changes, from the older backup where that has it. False when it is not there any more.
    fn place(&mut self, path: &Path) -> io::Result<bool> {
        if let Some((folder, index)) = self.older
            && let Some((bytes, crc32)) = index.find(path)
            && has_same(&self.dir.join(path), &folder.join(path), (bytes, crc32))
            && fs::hard_link(folder.join(path), self.to.join(path)).is_ok()
        {
            self.note(path, bytes, crc32, true);
            return Ok(true);
        }
        if fs::hard_link(self.dir.join(path), self.to.join(path)).is_err() {
            return self.copy(path);
        }
        let (bytes, crc32) = checksum(&self.to.join(path))?;
        self.note(path, bytes, crc32, true);
        Ok(true)
    }

    /// Copies a file. False when it is not there.
    fn copy(&mut self, path: &Path) -> io::Result<bool> {
        let Some(mut from) = optional(File::open(self.dir.join(path)))? else { return Ok(false) };
        let mut to = File::create(self.to.join(path))?;
        let (mut hasher, mut bytes, mut buffer) = (crc32fast::Hasher::new(), 0, vec![0; 1 << 20]);
        loop {
            let len = from.read(&mut buffer)?;
            if len == 0 {
                break;
            }
            hasher.update(&buffer[..len]);
            to.write_all(&buffer[..len])?;
            bytes += len as u64;
        }
        to.sync_all()?;
        self.note(path, bytes, hasher.finalize(), false);
        Ok(true)
    }

    fn note(&mut self, path: &Path, bytes: u64, crc32: u32, linked: bool) {
        let file = CopiedFile { path: path.to_owned(), bytes, crc32, linked };
        self.files.insert(path.to_owned(), file);
    }
}

/// Compares all that a manifest names with its checksums: a copy of damage helps nobody.
pub(super) fn verify(disk: &DiskRef, dir: &Path, manifest: &Manifest) -> Result<()> {
    let segment_dir = paths::segment_dir(dir);
    let cache = Arc::new(SegmentCache::default());
    for entry in &manifest.segments {
        refuse(
            Segment::new(disk, &cache, &segment_dir, entry)
                .damaged_blocks(&mut |_| ControlFlow::Continue(()))?,
        )?;
    }
    verify_records::<LogCol>(disk, &segment_dir, &manifest.logs)?;
    verify_records::<PointCol>(disk, &segment_dir, &manifest.points)
}

fn verify_records<C: RecordColumn>(disk: &DiskRef, segment_dir: &Path, entries: &[FileEntry]) -> Result<()> {
    for entry in entries {
        refuse(
            RecordFile::<C>::new(disk, segment_dir, entry.clone())
                .damaged_blocks(&mut |_| ControlFlow::Continue(()))?,
        )?;
    }
    Ok(())
}

fn refuse(damaged: Vec<super::blocks::Damage>) -> Result<()> {
    match damaged.into_iter().next() {
        None => Ok(()),
        Some(damage) => {
            let what = "the data folder is damaged; stop the server and run `clearspan doctor`";
            Err(Error::caused(ErrorKind::Corrupt, what, damage))
        }
    }
}

/// Whether two files have this length and checksum: an older backup may have been damaged since it was made.
fn has_same(one: &Path, other: &Path, expected: (u64, u32)) -> bool {
    let place = |path: &Path| fs::metadata(path).map(|file| (file.dev(), file.ino()));
    let is_one_file = match (place(one), place(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => return false,
    };
    let is_sound = |path: &Path| checksum(path).is_ok_and(|found| found == expected);
    is_sound(one) && (is_one_file || is_sound(other))
}

/// The length and checksum of a file.
pub fn checksum(path: &Path) -> io::Result<(u64, u32)> {
    let (mut file, mut hasher, mut bytes) = (File::open(path)?, crc32fast::Hasher::new(), 0);
    let mut buffer = vec![0; 1 << 20];
    loop {
        let len = file.read(&mut buffer)?;
        if len == 0 {
            return Ok((bytes, hasher.finalize()));
        }
        hasher.update(&buffer[..len]);
        bytes += len as u64;
    }
}

fn optional<T>(read: io::Result<T>) -> io::Result<Option<T>> {
    match read {
        Ok(found) => Ok(Some(found)),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(err) => Err(err),
    }
}

#[cfg(test)]
mod tests;
