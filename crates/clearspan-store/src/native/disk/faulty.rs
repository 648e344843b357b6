//! A disk that fails on command, on top of another.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::{Disk, DiskRef, ReadFile, Space, WriteFile};

/// What a caller may ask of a disk, as far as tests tell failures apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Op {
    Create,
    Write,
    Sync,
    Rename,
    Remove,
    Truncate,
    SyncDir,
    Open,
    Read,
}

impl Op {
    /// Those that change something: what a full or read-only disk refuses.
    pub(crate) const CHANGES: [Self; 7] =
        [Self::Create, Self::Write, Self::Sync, Self::Rename, Self::Remove, Self::Truncate, Self::SyncDir];
}

/// How an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// With an error number of the operating system.
    Errno(i32),
    /// It writes one byte of what it was given and says so.
    Short,
    /// It goes well, after this time.
    Slow(Duration),
}

pub(crate) const EINTR: i32 = 4;
pub(crate) const EIO: i32 = 5;
pub(crate) const EMFILE: i32 = 24;
pub(crate) const ENOSPC: i32 = 28;
pub(crate) const EROFS: i32 = 30;

/// A failure to come.
#[derive(Debug, Clone)]
struct Rule {
    ops: Vec<Op>,
    /// Only files whose name contains this.
    name: &'static str,
    fault: Fault,
    /// So many operations go well before.
    skip: u64,
    /// So many fail then.
    times: u64,
}

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct FaultyDisk {
    inner: DiskRef,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    rules: Vec<Rule>,
    space: Option<Space>,
    failed: u64,
}

impl FaultyDisk {
    pub(crate) fn new(inner: DiskRef) -> Self {
        Self { inner, state: Arc::default() }
    }

    pub(crate) fn shared(&self) -> DiskRef {
        Arc::new(self.clone())
    }

    /// From now on, these operations on files whose names contain `name` fail until [`Self::heal`].
    pub(crate) fn fail(&self, ops: &[Op], name: &'static str, fault: Fault) {
        self.fail_some(ops, name, fault, 0, u64::MAX);
    }

    /// After `skip` of these operations went well, `times` fail.
    pub(crate) fn fail_some(&self, ops: &[Op], name: &'static str, fault: Fault, skip: u64, times: u64) {
        self.state.lock().rules.push(Rule { ops: ops.to_vec(), name, fault, skip, times });
    }

    /// Everything works again.
    pub(crate) fn heal(&self) {
        self.state.lock().rules.clear();
    }

    /// So much room there is from now on.
    pub(crate) fn set_space(&self, space: Space) {
        self.state.lock().space = Some(space);
    }

    /// Operations that failed so far.
    pub(crate) fn failed(&self) -> u64 {
        self.state.lock().failed
    }

    fn check(&self, op: Op, path: &Path) -> io::Result<Option<Fault>> {
        let mut state = self.state.lock();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let matching = |rule: &&mut Rule| rule.ops.contains(&op) && name.contains(rule.name);
        let mut hit = None;
        for rule in state.rules.iter_mut().filter(matching) {
            if rule.skip > 0 {
                rule.skip -= 1;
            } else if rule.times > 0 && hit.is_none() {
                rule.times -= 1;
                hit = Some(rule.fault);
            }
        }
        if let Some(Fault::Slow(time)) = hit {
            drop(state);
            std::thread::sleep(time);
            return Ok(None);
        }
        state.failed += u64::from(hit.is_some());
        match hit {
            Some(Fault::Errno(errno)) => Err(io::Error::from_raw_os_error(errno)),
            other => Ok(other),
        }
    }
}

impl Disk for FaultyDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn WriteFile>> {
        self.check(Op::Create, path)?;
        let file = self.inner.create(path)?;
        Ok(Box::new(FaultyFile { file, disk: self.clone(), path: path.to_owned() }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn ReadFile>> {
        self.check(Op::Open, path)?;
        let file = self.inner.open(path)?;
        Ok(Arc::new(FaultyRead { file, disk: self.clone(), path: path.to_owned() }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.check(Op::Rename, to)?;
        self.inner.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.check(Op::Remove, path)?;
        self.inner.remove(path)
    }

    fn truncate(&self, path: &Path, len: u64) -> io::Result<()> {
        self.check(Op::Truncate, path)?;
        self.inner.truncate(path, len)
    }

    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        self.inner.make_dir(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.check(Op::SyncDir, dir)?;
        self.inner.sync_dir(dir)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        self.inner.list(dir)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.inner.exists(path)
    }

    fn space(&self, dir: &Path) -> io::Result<Space> {
        let told = self.state.lock().space;
        told.map_or_else(|| self.inner.space(dir), Ok)
    }
}

#[derive(Debug)]
struct FaultyFile {
    file: Box<dyn WriteFile>,
    disk: FaultyDisk,
    path: std::path::PathBuf,
}

impl Write for FaultyFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self.disk.check(Op::Write, &self.path)? {
            Some(_) => self.file.write(&buf[..buf.len().min(1)]),
            None => self.file.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl WriteFile for FaultyFile {
    fn sync(&mut self) -> io::Result<()> {
        self.disk.check(Op::Sync, &self.path)?;
        self.file.sync()
    }
}

#[derive(Debug)]
struct FaultyRead {
    file: Arc<dyn ReadFile>,
    disk: FaultyDisk,
    path: std::path::PathBuf,
}

impl ReadFile for FaultyRead {
    fn len(&self) -> u64 {
        self.file.len()
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        self.disk.check(Op::Read, &self.path)?;
        self.file.read_at(buf, offset)
    }
}
