//! The seam between the store and the disk: every file of the engine is read and written through a [`Disk`].
//!
//! In a running server that is [`RealDisk`], or a [`super::bucket::BucketDisk`] on top of it. Tests put others in its place: one that fails on command, and one that
//! forgets at a power cut what was not synced. So nothing in `native` may use `std::fs`, except for the lock on the
//! data folder, which is not about bytes, and `search`, whose files Tantivy maps into memory: they can be made again from
//! the segments, and nothing of them is used before their checksums were verified.
//!
//! What callers may count on, and no more: bytes are durable after [`WriteFile::sync`]; a new name, a new place or a
//! removal is durable after [`Disk::sync_dir`]; a rename replaces its target as a whole. After a failed sync nothing
//! is known about the bytes since the last good one, and a second sync of the same file proves nothing.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

/// How the store reaches its files.
pub(crate) type DiskRef = Arc<dyn Disk>;

/// A file system, as far as the store needs one.
pub(crate) trait Disk: fmt::Debug + Send + Sync {
    /// An empty file to write from the beginning; one of the same name is emptied.
    fn create(&self, path: &Path) -> io::Result<Box<dyn WriteFile>>;
    /// A file to read from anywhere.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn ReadFile>>;
    /// Gives a file a new name, in place of any other file of that name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Cuts a file off at a length and makes that durable.
    fn truncate(&self, path: &Path, len: u64) -> io::Result<()>;
    /// Makes a folder and those above it, where they are missing.
    fn make_dir(&self, dir: &Path) -> io::Result<()>;
    /// Makes the names in a folder durable: new files, renames, removals.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// The names in a folder, in no order.
    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>>;
    /// Whether there is such a file or folder.
    fn exists(&self, path: &Path) -> io::Result<bool>;
    /// How much room there is.
    fn space(&self, dir: &Path) -> io::Result<Space>;

    /// Throws away what is kept of a file that really lies elsewhere. True when reading it again may give other bytes.
    fn refetch(&self, _path: &Path) -> bool {
        false
    }

    /// Whether files are on this machine: then who wants some bytes of one reads them without asking another thread to wait.
    fn is_at_hand(&self) -> bool {
        true
    }

    /// Fails when files cannot be read for now, wherever they are.
    fn check_readable(&self) -> io::Result<()> {
        Ok(())
    }

    /// What somebody should know although files can be read.
    fn warning(&self) -> Option<String> {
        None
    }

    /// Keeps a copy of a search index elsewhere, where there is an elsewhere.
    fn keep_index(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }

    /// Brings the copy of the index of `dir` back, to the folder `to`. False when there is none.
    fn fetch_index(&self, _dir: &Path, _to: &Path) -> io::Result<bool> {
        Ok(false)
    }

    /// Removes the copy.
    fn drop_index(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }

    /// Called before a tier is written: fails when that cannot go well now.
    fn prepare_flush(&self) -> io::Result<()> {
        Ok(())
    }
}

/// A file that is being written.
pub(crate) trait WriteFile: Write + fmt::Debug + Send {
    /// Makes every byte written so far durable.
    fn sync(&mut self) -> io::Result<()>;
}

/// A file that is being read.
pub(crate) trait ReadFile: fmt::Debug + Send + Sync {
    /// Bytes of the file.
    fn len(&self) -> u64;
    /// Fills `buf` from `offset` on. Fails when the file ends before.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()>;

    /// See [`Disk::refetch`].
    fn refetch(&self) -> bool {
        false
    }
}

/// Room on a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Space {
    /// Bytes that the store can still write.
    pub(crate) free: u64,
    /// Bytes that the disk has.
    pub(crate) total: u64,
}

/// The operating system's files.
#[derive(Debug)]
pub(crate) struct RealDisk;

impl RealDisk {
    pub(crate) fn shared() -> DiskRef {
        Arc::new(Self)
    }
}

impl Disk for RealDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn WriteFile>> {
        Ok(Box::new(File::create(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn ReadFile>> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        Ok(Arc::new(OpenFile { file, len }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn truncate(&self, path: &Path, len: u64) -> io::Result<()> {
        let file = File::options().write(true).open(path)?;
        file.set_len(len)?;
        file.sync_all()
    }

    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir_all(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        fs::read_dir(dir)?.map(|entry| Ok(entry?.file_name())).collect()
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        fs::exists(path)
    }

    fn space(&self, dir: &Path) -> io::Result<Space> {
        Ok(Space { free: fs4::available_space(dir)?, total: fs4::total_space(dir)? })
    }
}

impl WriteFile for File {
    fn sync(&mut self) -> io::Result<()> {
        // The length is part of what is needed to read the bytes back, so this makes it durable, too.
        self.sync_data()
    }
}

/// A file whose length was asked for once: what the store reads does not grow.
#[derive(Debug)]
struct OpenFile {
    file: File,
    len: u64,
}

impl ReadFile for OpenFile {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(buf, offset)
    }
}

/// The whole file.
pub(crate) fn read(disk: &dyn Disk, path: &Path) -> io::Result<Vec<u8>> {
    let file = disk.open(path)?;
    let len = usize::try_from(file.len()).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
    let mut bytes = vec![0; len];
    file.read_at(&mut bytes, 0)?;
    Ok(bytes)
}

/// Replaces a file as a whole: a crash leaves either the old one or the new one.
pub(crate) fn replace(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    let mut file = disk.create(&temporary)?;
    file.write_all(bytes)?;
    file.sync()?;
    drop(file);
    disk.rename(&temporary, path)?;
    disk.sync_dir(path.parent().expect("a file lies in a folder"))
}

/// Fails when the disk does not take so many bytes: writes them to a file of its own, and removes that.
pub(crate) fn check_room(disk: &dyn Disk, path: &Path, bytes: usize) -> io::Result<()> {
    let written = disk.create(path).and_then(|mut file| {
        file.write_all(&vec![b'.'; bytes])?;
        file.sync()
    });
    match disk.remove(path) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => written.and(Err(err)),
        _ => written,
    }
}

#[cfg(test)]
pub(crate) mod faulty;
#[cfg(test)]
pub(crate) mod simulated;
