//! A disk in memory that can lose its power.
//!
//! It keeps a journal of everything that was asked of it. [`SimulatedDisk::after_power_cut`] makes the disk that a machine
//! may find when the power went after some entry of the journal: everything that a sync covered is there; of the
//! rest any part may be, in any order: writes whole, torn at a sector, or missing; new names, renames and removals done or
//! not. That is more than file systems allow themselves, so what survives this survives them.
//!
//! [`SimulatedDisk::lying`] makes one whose syncs do nothing: the control that tests must fail on.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Disk, DiskRef, ReadFile, Space, WriteFile};
use crate::testing::random::Dice;

/// A write reaches the disk in pieces of this size.
const SECTOR: usize = 512;

type FileId = usize;

/// Something that was asked of the disk.
#[derive(Debug, Clone)]
enum Entry {
    Write {
        file: FileId,
        offset: usize,
        bytes: Arc<[u8]>,
    },
    Truncate {
        file: FileId,
        len: usize,
    },
    Sync {
        file: FileId,
    },
    /// The sync failed, and the operating system forgot what it should have written, as Linux does.
    SyncFailed {
        file: FileId,
    },
    /// The name stands for this file from now on; `None` removes it.
    Name {
        path: PathBuf,
        file: Option<FileId>,
    },
    /// One name takes the place of another at once.
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    SyncDir {
        dir: PathBuf,
    },
}

#[derive(Debug, Default)]
struct State {
    names: BTreeMap<PathBuf, FileId>,
    files: Vec<Vec<u8>>,
    dirs: BTreeSet<PathBuf>,
    journal: Vec<Entry>,
    failing: Option<FailingSyncs>,
    failed_syncs: u64,
    /// What was there before the journal.
    before: Image,
}

#[derive(Debug)]
struct FailingSyncs {
    name: &'static str,
    skip: u64,
    times: u64,
}

/// What lies on a disk without power.
#[derive(Debug, Default, Clone)]
struct Image {
    names: BTreeMap<PathBuf, FileId>,
    files: Vec<Vec<u8>>,
}

/// See the module.
#[derive(Debug, Clone, Default)]
pub(crate) struct SimulatedDisk {
    state: Arc<Mutex<State>>,
    lies: bool,
}

impl SimulatedDisk {
    pub(crate) fn lying() -> Self {
        Self { lies: true, ..Self::default() }
    }

    pub(crate) fn shared(&self) -> DiskRef {
        Arc::new(self.clone())
    }

    /// After `skip` good syncs of files whose names contain `name`, `times` fail, and what they should have made durable is
    /// never made so.
    pub(crate) fn fail_syncs(&self, name: &'static str, skip: u64, times: u64) {
        self.state.lock().failing = Some(FailingSyncs { name, skip, times });
    }

    pub(crate) fn failed_syncs(&self) -> u64 {
        self.state.lock().failed_syncs
    }

    /// Entries in the journal so far.
    pub(crate) fn journal_len(&self) -> usize {
        self.state.lock().journal.len()
    }

    /// The disk after a cut behind `len` entries; what was not synced is there or not as the dice fall.
    pub(crate) fn after_power_cut(&self, len: usize, dice: &mut Dice) -> Self {
        let state = self.state.lock();
        let image = survivors(&state.before, &state.journal[..len], dice);
        let state = State {
            names: image.names.clone(),
            files: image.files.clone(),
            dirs: state.dirs.clone(),
            before: image,
            ..State::default()
        };
        Self { state: Arc::new(Mutex::new(state)), lies: self.lies }
    }

    fn log(&self, state: &mut State, entry: Entry) {
        if !self.lies || !matches!(entry, Entry::Sync { .. } | Entry::SyncDir { .. }) {
            state.journal.push(entry);
        }
    }
}

/// Decides for each entry whether it reached the disk.
fn survivors(before: &Image, journal: &[Entry], dice: &mut Dice) -> Image {
    // From behind: what a later sync covers is there.
    let (mut synced_files, mut synced_dirs) = (BTreeSet::new(), BTreeSet::new());
    let mut is_sure = vec![false; journal.len()];
    for (idx, entry) in journal.iter().enumerate().rev() {
        match entry {
            Entry::Sync { file } => _ = synced_files.insert(*file),
            // Later syncs say nothing about what came before this one.
            Entry::SyncFailed { file } => _ = synced_files.remove(file),
            Entry::SyncDir { dir } => _ = synced_dirs.insert(dir.clone()),
            Entry::Write { file, .. } | Entry::Truncate { file, .. } => {
                is_sure[idx] = synced_files.contains(file);
            }
            Entry::Name { path, .. } | Entry::Rename { to: path, .. } => {
                is_sure[idx] = path.parent().is_some_and(|dir| synced_dirs.contains(dir));
            }
        }
    }
    // All, nothing, or a different choice for each: the first two are the likely ones.
    let mood = dice.below(4);
    let mut image = before.clone();
    for (entry, is_sure) in journal.iter().zip(is_sure) {
        let keep = is_sure || mood == 0 || (mood > 1 && dice.one_in(2));
        match entry {
            Entry::Write { file, offset, bytes } => {
                while image.files.len() <= *file {
                    image.files.push(Vec::new());
                }
                if is_sure || (keep && dice.one_in(2)) {
                    put(&mut image.files[*file], *offset, bytes);
                } else if keep {
                    tear(&mut image.files[*file], *offset, bytes, dice);
                }
            }
            Entry::Truncate { file, len } if keep => {
                if let Some(bytes) = image.files.get_mut(*file) {
                    bytes.truncate(*len);
                }
            }
            Entry::Name { path, file: Some(file) } if keep => {
                while image.files.len() <= *file {
                    image.files.push(Vec::new());
                }
                image.names.insert(path.clone(), *file);
            }
            Entry::Name { path, file: None } if keep => _ = image.names.remove(path),
            // When the old name never reached the disk there is nothing to rename.
            Entry::Rename { from, to } if keep => {
                if let Some(file) = image.names.remove(from) {
                    image.names.insert(to.clone(), file);
                }
            }
            _ => {}
        }
    }
    image
}

impl State {
    fn fails_now(&mut self, file: FileId) -> bool {
        let name = self.names.iter().find(|(_, named)| **named == file).map(|(path, _)| path);
        let name = name.and_then(|path| path.file_name()).unwrap_or_default().to_string_lossy();
        let Some(failing) = self.failing.as_mut().filter(|failing| name.contains(failing.name)) else {
            return false;
        };
        if failing.skip > 0 {
            failing.skip -= 1;
            return false;
        }
        let fails = failing.times > 0;
        failing.times -= u64::from(fails);
        self.failed_syncs += u64::from(fails);
        fails
    }
}

fn put(file: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    if file.len() < offset + bytes.len() {
        file.resize(offset + bytes.len(), 0);
    }
    file[offset..offset + bytes.len()].copy_from_slice(bytes);
}

/// Some sectors of a write; where a later one is there, those before it are zeros.
fn tear(file: &mut Vec<u8>, offset: usize, bytes: &[u8], dice: &mut Dice) {
    let mut at = 0;
    while at < bytes.len() {
        let end = ((offset + at) / SECTOR + 1) * SECTOR - offset;
        let end = end.min(bytes.len());
        if dice.one_in(2) {
            put(file, offset + at, &bytes[at..end]);
        }
        at = end;
    }
}

fn not_found() -> io::Error {
    io::Error::from(io::ErrorKind::NotFound)
}

impl Disk for SimulatedDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn WriteFile>> {
        let mut state = self.state.lock();
        if !path.parent().is_some_and(|dir| state.dirs.contains(dir)) {
            return Err(not_found());
        }
        let file = state.files.len();
        state.files.push(Vec::new());
        state.names.insert(path.to_owned(), file);
        self.log(&mut state, Entry::Name { path: path.to_owned(), file: Some(file) });
        Ok(Box::new(SimulatedFile { disk: self.clone(), file }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn ReadFile>> {
        let state = self.state.lock();
        let file = *state.names.get(path).ok_or_else(not_found)?;
        Ok(Arc::new(SimulatedRead { bytes: state.files[file].clone() }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        let file = state.names.remove(from).ok_or_else(not_found)?;
        state.names.insert(to.to_owned(), file);
        self.log(&mut state, Entry::Rename { from: from.to_owned(), to: to.to_owned() });
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        state.names.remove(path).ok_or_else(not_found)?;
        self.log(&mut state, Entry::Name { path: path.to_owned(), file: None });
        Ok(())
    }

    fn truncate(&self, path: &Path, len: u64) -> io::Result<()> {
        let mut state = self.state.lock();
        let file = *state.names.get(path).ok_or_else(not_found)?;
        let len = usize::try_from(len).expect("a file in memory");
        state.files[file].truncate(len);
        self.log(&mut state, Entry::Truncate { file, len });
        self.log(&mut state, Entry::Sync { file });
        Ok(())
    }

    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        // Folders are made once, when a store is new; that they survive is not what is tested.
        self.state.lock().dirs.extend(dir.ancestors().map(Path::to_owned));
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        self.log(&mut state, Entry::SyncDir { dir: dir.to_owned() });
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        let state = self.state.lock();
        let inside = state.names.keys().filter(|path| path.parent() == Some(dir));
        Ok(inside.filter_map(|path| path.file_name().map(OsString::from)).collect())
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        let state = self.state.lock();
        Ok(state.names.contains_key(path) || state.dirs.contains(path))
    }

    fn space(&self, _dir: &Path) -> io::Result<Space> {
        Ok(Space { free: 1 << 40, total: 1 << 41 })
    }
}

#[derive(Debug)]
struct SimulatedFile {
    disk: SimulatedDisk,
    file: FileId,
}

impl Write for SimulatedFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let mut state = self.disk.state.lock();
        let offset = state.files[self.file].len();
        state.files[self.file].extend_from_slice(buf);
        self.disk.log(&mut state, Entry::Write { file: self.file, offset, bytes: buf.into() });
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl WriteFile for SimulatedFile {
    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.disk.state.lock();
        if state.fails_now(self.file) {
            self.disk.log(&mut state, Entry::SyncFailed { file: self.file });
            return Err(io::Error::from_raw_os_error(super::faulty::EIO));
        }
        self.disk.log(&mut state, Entry::Sync { file: self.file });
        Ok(())
    }
}

#[derive(Debug)]
struct SimulatedRead {
    bytes: Vec<u8>,
}

impl ReadFile for SimulatedRead {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        let start = usize::try_from(offset).expect("a file in memory");
        let bytes = self.bytes.get(start..start + buf.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        buf.copy_from_slice(bytes);
        Ok(())
    }
}
