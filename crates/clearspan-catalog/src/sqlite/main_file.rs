//! The catalog's main file, read beside SQLite.
//!
//! Closing any descriptor of a file drops all locks that the process has on it (POSIX), SQLite's too, and then another
//! process takes itself for the last one. So a process has one descriptor of a main file for this, and closes it after the
//! last connection.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::ops::Deref;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

/// By device and number of the file.
static OPEN: Mutex<BTreeMap<(u64, u64), Weak<File>>> = Mutex::new(BTreeMap::new());

/// To be dropped after the connections to the file.
#[derive(Debug)]
pub(super) struct MainFile(Option<Arc<File>>);

impl MainFile {
    /// Makes an empty file where there is none.
    pub(super) fn open_or_make(path: &Path) -> io::Result<Self> {
        let mut open = OPEN.lock();
        if !fs::exists(path)? {
            let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
            return Self::keep(&mut open, file, None);
        }
        Self::find(&mut open, path)
    }

    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Self::find(&mut OPEN.lock(), path)
    }

    fn find(open: &mut BTreeMap<(u64, u64), Weak<File>>, path: &Path) -> io::Result<Self> {
        let place = fs::metadata(path)?;
        let place = (place.dev(), place.ino());
        if let Some(file) = open.get(&place).and_then(Weak::upgrade) {
            return Ok(Self(Some(file)));
        }
        Self::keep(open, File::open(path)?, Some(place))
    }

    fn keep(
        open: &mut BTreeMap<(u64, u64), Weak<File>>,
        file: File,
        wanted: Option<(u64, u64)>,
    ) -> io::Result<Self> {
        let place = file.metadata()?;
        let place = (place.dev(), place.ino());
        if wanted.is_some_and(|wanted| wanted != place) {
            return Err(io::Error::other("the catalog was replaced while it was opened"));
        }
        let file = Arc::new(file);
        open.insert(place, Arc::downgrade(&file));
        Ok(Self(Some(file)))
    }
}

impl Deref for MainFile {
    type Target = File;

    fn deref(&self) -> &File {
        self.0.as_ref().expect("it is taken when it is dropped only")
    }
}

impl Drop for MainFile {
    fn drop(&mut self) {
        // Nobody opens it between the last look at it and its end.
        let mut open = OPEN.lock();
        drop(self.0.take());
        open.retain(|_, file| file.strong_count() > 0);
    }
}

/// The file whose name goes on with `end`.
pub(super) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}
