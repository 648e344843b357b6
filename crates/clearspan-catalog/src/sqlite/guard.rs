//! Keeps the checksums of the main file in step with it, and compares the two.
//!
//! In WAL mode the main file changes in checkpoints only. All connections of this program leave checkpoints to
//! [`Guard::checkpoint`], which holds SQLite's lock for writing meanwhile, so no other process of it changes the log or
//! the main file:
//!
//! 1. The log is read. Pages that it holds become unsettled, with the checksums of what they will be; that is stored.
//! 2. SQLite brings them to the main file and syncs it.
//! 3. The sums are stored with nothing unsettled.
//!
//! After a crash before 3 the log holds the unsettled pages still, until the next checkpoint, or the checkpoint was
//! finished and they are what the sums say. So nothing is compared that may be half written, and nothing is exempt for ever.
//!
//! SQLite removes the log when the last connection ends, and brings to the main file what is in it. The guard lets that
//! happen only to who alone has the lock file `catalog.sqlite-lock`, after a checkpoint of its own. The file is shared by all
//! who have the catalog open for writing.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use clearspan_model::ErrorKind;
use parking_lot::Mutex;
use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::main_file::{MainFile, beside};
use super::sums::{Sums, Unusable, crc_of_page, page_size, share_owner, sync_folder};
use super::wal::Wal;
use super::{SqlResult, failed};
use crate::{Error, Result};

/// A log that grew by so many pages is brought to the main file.
const LOG_PAGES: u64 = 2_000;
/// The comparison begins again where a checkpoint came between.
const ATTEMPTS: usize = 20;
/// How many pages an error names.
const NAMED: usize = 10;

/// What watches over the files of one catalog.
#[derive(Debug)]
pub(super) struct Guard {
    path: PathBuf,
    /// To bring pages to the main file while another connection holds the lock for writing.
    checkpointer: Mutex<Option<Connection>>,
    main: MainFile,
    /// Of who may write.
    lock: Option<File>,
    /// What the log held at the last checkpoint by size, where it has not begun anew since.
    tried_frames: AtomicU64,
    /// Nothing is done at the end.
    is_left_alone: AtomicBool,
    /// Called between the steps of a checkpoint, with the number of the step.
    #[cfg(test)]
    pub(super) at_step: Mutex<Option<AtStep>>,
}

/// What a test does between the steps of a checkpoint.
#[cfg(test)]
pub(super) type AtStep = fn(&Path, usize);

impl Guard {
    /// For somebody who writes. Nothing is compared yet. Without the file, or with an empty one, what is left of sums goes.
    pub(super) fn for_writing(path: &Path) -> Result<Self> {
        let failed = |err| {
            Error::caused(ErrorKind::Unavailable, format!("cannot open the catalog {}", path.display()), err)
        };
        let is_file = |path: &Path| path.metadata().is_ok_and(|file| file.len() > 0);
        let lock = open_or_make(&beside(path, "-lock")).map_err(failed)?;
        lock.lock_shared().map_err(failed)?;
        if !is_file(path) && is_file(&sums_file(path)) {
            fs::remove_file(sums_file(path)).and_then(|()| sync_folder(path)).map_err(failed)?;
        }
        let main = MainFile::open_or_make(path).map_err(failed)?;
        share_owner(&main, &lock).map_err(failed)?;
        Ok(Self::new(path, main, Some(lock)))
    }

    /// For somebody who reads.
    pub(super) fn for_reading(path: &Path) -> Result<Self> {
        let main = MainFile::open(path).map_err(|err| {
            Error::caused(ErrorKind::Unavailable, format!("cannot open the catalog {}", path.display()), err)
        })?;
        Ok(Self::new(path, main, None))
    }

    fn new(path: &Path, main: MainFile, lock: Option<File>) -> Self {
        Self {
            path: path.to_owned(),
            checkpointer: Mutex::new(None),
            main,
            lock,
            tried_frames: AtomicU64::new(0),
            is_left_alone: AtomicBool::new(false),
            #[cfg(test)]
            at_step: Mutex::new(None),
        }
    }

    /// Waits until nobody else has it open for writing, and fails when somebody does.
    pub(super) fn demand_alone(&self) -> Result<()> {
        if self.is_alone() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Conflict, "the catalog is in use; stop the server first"))
    }

    fn is_alone(&self) -> bool {
        self.lock.as_ref().is_some_and(|lock| lock.try_lock().is_ok())
    }

    /// Gives it a connection of its own.
    pub(super) fn add_checkpointer(&self, connection: Connection) {
        *self.checkpointer.lock() = Some(connection);
    }

    /// Compares the main file with its checksums, where it has some, and looks for commits that damage of the log cuts off.
    pub(super) fn compare(&self) -> Result<()> {
        let read = |err: io::Error| match err.kind() {
            io::ErrorKind::WouldBlock => {
                Error::caused(ErrorKind::Overloaded, "cannot compare the catalog", err)
            }
            _ => Error::caused(ErrorKind::Unavailable, "cannot read the catalog", err),
        };
        for _ in 0..ATTEMPTS {
            let sums = self.load()?;
            let size = sums.as_ref().map_or_else(|| page_size(&self.main), |sums| Ok(sums.page_size));
            let wal = Wal::read(&self.wal_file(), size.map_err(read)?).map_err(read)?;
            if wal.is_cut() {
                return Err(self.cut_off(&wal));
            }
            let Some(sums) = sums else { return Ok(()) };
            let differing = sums.differing(&self.main, &wal.crcs).map_err(read)?;
            if differing.is_empty() {
                return Ok(());
            }
            // A checkpoint that began meanwhile said so before.
            let now = self.load()?;
            if now.is_some_and(|now| now.generation == sums.generation) {
                return Err(self.damaged(&differing, &sums));
            }
        }
        Err(Error::new(
            ErrorKind::Overloaded,
            "the catalog changes faster than it can be compared; try again",
        ))
    }

    pub(super) fn has_sums(&self) -> bool {
        sums_file(&self.path).exists()
    }

    /// Takes the file as it is.
    pub(super) fn accept(&self, writer: &Connection) -> Result<()> {
        self.while_locked(writer, || {
            let before = Sums::load(&sums_file(&self.path)).map_err(|err| self.not_stored(err))?;
            let generation = before.and_then(std::result::Result::ok).map_or(0, |sums| sums.generation);
            let sums = Sums::of(&self.main, generation + 1).map_err(|err| self.not_stored(err))?;
            sums.store(&sums_file(&self.path), &self.main).map_err(|err| self.not_stored(err))
        })
    }

    /// A checkpoint when the log has grown. What hinders it is told; it is tried again when the log has grown more.
    pub(super) fn after_write(&self, writer: &Connection) {
        if self.lock.is_none() || !writer.is_autocommit() {
            return;
        }
        let Ok((frames, _)) = run_checkpoint(writer, "NOOP") else { return };
        let tried = self.tried_frames.load(Ordering::Relaxed);
        // Fewer than before: it has begun anew.
        let tried = if frames < tried { 0 } else { tried };
        let is_due = frames >= tried + LOG_PAGES;
        self.tried_frames.store(if is_due { frames } else { tried }, Ordering::Relaxed);
        if is_due {
            self.checkpoint_or_tell(writer);
        }
    }

    /// Whether everything is in the main file.
    pub(super) fn checkpoint_or_tell(&self, writer: &Connection) -> bool {
        match self.checkpoint(writer) {
            Ok(is_whole) => is_whole,
            Err(err) if err.kind() == ErrorKind::Corrupt => {
                tracing::error!(error = %err, "the catalog is damaged");
                false
            }
            Err(err) => {
                let cause = std::error::Error::source(&err).map(ToString::to_string);
                tracing::warn!(error = %err, cause, "the catalog's write-ahead log was not brought to the main file");
                false
            }
        }
    }

    /// Brings the log to the main file. False when somebody reads what was before, so that a part has to wait.
    pub(super) fn checkpoint(&self, writer: &Connection) -> Result<bool> {
        let checkpointer = self.checkpointer.lock();
        let Some(checkpointer) = checkpointer.as_ref() else { return Ok(false) };
        self.while_locked(writer, || self.settle(checkpointer))
    }

    fn while_locked<T>(&self, writer: &Connection, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let sql = |err| failed("lock the catalog".to_owned(), err);
        writer.execute_batch("BEGIN IMMEDIATE").map_err(sql)?;
        let done = work();
        writer.execute_batch("ROLLBACK").map_err(sql)?;
        done
    }

    fn settle(&self, checkpointer: &Connection) -> Result<bool> {
        let sql = |err| failed("bring the catalog's log to its file".to_owned(), err);
        let (frames, done) = run_checkpoint(checkpointer, "NOOP").map_err(sql)?;
        let Some(mut sums) = self.load()? else {
            let (frames, done) = run_checkpoint(checkpointer, "PASSIVE").map_err(sql)?;
            return Ok(frames == done);
        };
        if frames == done && sums.unsettled.is_empty() {
            return Ok(true);
        }
        let io = |err| self.not_stored(err);
        let wal = match frames {
            0 => Wal::default(),
            _ => Wal::read(&self.wal_file(), sums.page_size).map_err(io)?,
        };
        if wal.frames < frames {
            return Err(self.cut_off(&wal));
        }
        let path = sums_file(&self.path);
        self.step(0);
        if wal.frames > 0 {
            let older = sums.pages();
            sums.crcs.resize(wal.pages as usize, 0);
            sums.unsettled.extend(older.saturating_add(1)..=wal.pages);
            sums.unsettled.extend(wal.crcs.keys());
            sums.unsettled.retain(|page| *page <= wal.pages);
            wal.crcs.iter().for_each(|(page, crc)| sums.set(*page, *crc));
            sums.generation += 1;
            sums.store(&path, &self.main).map_err(io)?;
            self.step(1);
            let (frames, done) = run_checkpoint(checkpointer, "PASSIVE").map_err(sql)?;
            if frames != done {
                return Ok(false);
            }
            self.step(2);
        }
        for page in std::mem::take(&mut sums.unsettled) {
            // Nothing was written to it: it lies where the file grew.
            if sums.crc(page) == Some(0) {
                let crc = crc_of_page(&self.main, sums.page_size, page).map_err(io)?;
                sums.set(page, crc);
            }
        }
        sums.generation += 1;
        sums.store(&path, &self.main).map_err(io)?;
        self.step(3);
        Ok(true)
    }

    #[cfg_attr(not(test), expect(clippy::unused_self, reason = "tests look at what lies on the disk"))]
    fn step(&self, _number: usize) {
        #[cfg(test)]
        if let Some(at_step) = *self.at_step.lock() {
            at_step(&self.path, _number);
        }
    }

    /// The files stay as they are, log included: they are not what they should be.
    pub(super) fn leave_alone(&self) {
        self.is_left_alone.store(true, Ordering::Relaxed);
    }

    /// To be called before the connections end: where nobody else writes, the last one takes the log away.
    pub(super) fn finish(&self, writer: &Connection) {
        let is_left_alone = self.is_left_alone.load(Ordering::Relaxed);
        let is_last = !is_left_alone && self.is_alone() && self.checkpoint_or_tell(writer);
        drop(self.checkpointer.lock().take());
        if is_last {
            // If it cannot be set the log stays, and the next start takes it from there.
            let _set = writer.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false);
        }
    }

    fn load(&self) -> Result<Option<Sums>> {
        let path = sums_file(&self.path);
        match Sums::load(&path) {
            Ok(None) => Ok(None),
            Ok(Some(Ok(sums))) => Ok(Some(sums)),
            Ok(Some(Err(Unusable::Newer))) => {
                let what =
                    format!("{} is of a newer version of this program; start that one", path.display());
                Err(Error::new(ErrorKind::Unavailable, what))
            }
            Ok(Some(Err(Unusable::Damaged))) => {
                let what =
                    format!("{}, the catalog's checksums, is damaged; {}", path.display(), self.advice());
                Err(Error::new(ErrorKind::Corrupt, what))
            }
            Err(err) => {
                Err(Error::caused(ErrorKind::Unavailable, format!("cannot read {}", path.display()), err))
            }
        }
    }

    fn damaged(&self, pages: &BTreeSet<u32>, sums: &Sums) -> Error {
        let mut named = String::new();
        for page in pages.iter().take(NAMED) {
            let _infallible = write!(named, "{}{page}", if named.is_empty() { "" } else { ", " });
        }
        if pages.len() > NAMED {
            let _infallible = write!(named, " and {} more", pages.len() - NAMED);
        }
        let what = format!(
            "the catalog {} is damaged, or another program has changed it: of its {} pages of {} bytes, these are not what \
             was written: {named}; {}",
            self.path.display(),
            sums.pages(),
            sums.page_size,
            self.advice()
        );
        Error::new(ErrorKind::Corrupt, what)
    }

    fn cut_off(&self, wal: &Wal) -> Error {
        let what = format!(
            "the catalog's write-ahead log {} is damaged: changes that were acknowledged would be lost ({} behind the damage); {}",
            self.wal_file().display(),
            wal.behind().max(1),
            self.advice()
        );
        Error::new(ErrorKind::Corrupt, what)
    }

    fn advice(&self) -> String {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        format!(
            "remove {name} with {name}-wal, {name}-shm and {name}-sums and copy {name} and {name}-sums from a backup, or, to go \
             on with what is there, run `clearspan doctor --accept-catalog`"
        )
    }

    fn not_stored(&self, err: io::Error) -> Error {
        let what = format!("cannot keep the checksums of the catalog {}", self.path.display());
        Error::caused(ErrorKind::Unavailable, what, err)
    }

    fn wal_file(&self) -> PathBuf {
        beside(&self.path, "-wal")
    }
}

/// Where the checksums of a catalog are.
pub(super) fn sums_file(path: &Path) -> PathBuf {
    beside(path, "-sums")
}

/// To be locked only, so it is enough to read it.
fn open_or_make(path: &Path) -> io::Result<File> {
    match File::open(path) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => {
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
        }
        opened => opened,
    }
}

/// Frames of the log, and how many of them are in the main file.
fn run_checkpoint(connection: &Connection, mode: &str) -> SqlResult<(u64, u64)> {
    connection.prepare_cached(&format!("PRAGMA wal_checkpoint({mode})"))?.query_row([], |row| {
        // Less than zero: somebody else makes one, against the rules.
        let busy =
            rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY), None);
        match (
            row.get::<_, i64>(0)?,
            u64::try_from(row.get::<_, i64>(1)?),
            u64::try_from(row.get::<_, i64>(2)?),
        ) {
            (0, Ok(frames), Ok(done)) => Ok((frames, done)),
            _ => Err(busy),
        }
    })
}
