//! Whether the store can write now, and if not, why.
//!
//! Two kinds of trouble: what the disk refuses (it is full, read-only, or fails) ends by itself when the disk allows it
//! again, and nothing is lost meanwhile because nothing is acknowledged; what went wrong inside of the store stays until
//! a restart, because its state in memory may not be what the log says.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use clearspan_model::ErrorKind;
use parking_lot::Mutex;

use super::bucket;
pub(crate) use crate::error::chain;
use crate::{Error, Result};

/// What the disk refuses now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    /// The log cannot be written.
    Log,
    /// There is less room than must stay free.
    Space,
    /// There is little room.
    LowSpace,
    /// A segment or the manifest cannot be written. Writes go on until memory is full.
    Flush,
}

#[derive(Debug, Default)]
pub(crate) struct Health {
    /// Set once.
    poison: OnceLock<String>,
    troubles: Mutex<Vec<(Trouble, String)>>,
    /// Since when the disk has been asked to make something durable.
    writing_since: Mutex<Option<Instant>>,
}

/// A disk that takes longer than this to make something durable has stalled.
const STALLED: Duration = Duration::from_secs(5);

/// The disk is asked to make something durable, until this is dropped.
pub(crate) struct Writing<'h>(&'h Health);

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        *self.0.writing_since.lock() = None;
    }
}

impl Health {
    /// Refuses writes until a restart. Reads go on.
    pub(crate) fn poison(&self, why: &dyn std::error::Error) {
        let text = chain(why);
        tracing::error!(reason = %text, "the store refuses writes until it is restarted");
        // The first reason is the one that matters.
        let _first = self.poison.set(text);
    }

    /// Notes that the disk refuses something.
    pub(crate) fn begin(&self, trouble: Trouble, why: &dyn std::error::Error) {
        let text = chain(why);
        let mut troubles = self.troubles.lock();
        match troubles.iter_mut().find(|(known, _)| *known == trouble) {
            Some((_, known)) => *known = text,
            None => {
                if trouble == Trouble::LowSpace {
                    tracing::warn!("{text}");
                } else {
                    tracing::error!(trouble = ?trouble, reason = %text, "the disk cannot take everything; trying again until it can");
                }
                troubles.push((trouble, text));
            }
        }
    }

    /// Notes that it is over.
    pub(crate) fn end(&self, trouble: Trouble) {
        let mut troubles = self.troubles.lock();
        let before = troubles.len();
        troubles.retain(|(known, _)| *known != trouble);
        if troubles.len() < before {
            tracing::info!(trouble = ?trouble, "the disk is fine again");
        }
    }

    /// To be held while the log is written.
    pub(crate) fn writing(&self) -> Writing<'_> {
        *self.writing_since.lock() = Some(Instant::now());
        Writing(self)
    }

    /// Whether the disk answers at all.
    pub(crate) fn check_answers(&self) -> Result<()> {
        let waited = self.writing_since.lock().map(|since| since.elapsed());
        let Some(waited) = waited.filter(|waited| *waited > STALLED) else { return Ok(()) };
        let what = format!(
            "the disk has not answered for {} seconds, and nothing is acknowledged until it does; send again what was \
             not: nothing is stored twice",
            waited.as_secs()
        );
        Err(Error::new(ErrorKind::Unavailable, what))
    }

    /// Whether the log takes records. Deletions and the store's own housekeeping ask this.
    pub(crate) fn check_writable(&self) -> Result<()> {
        self.check(&[Trouble::Log])
    }

    /// Whether new data is accepted.
    pub(crate) fn check_ingest(&self) -> Result<()> {
        self.check(&[Trouble::Log, Trouble::Space])
    }

    /// Whether the state in memory is what the log says.
    pub(crate) fn check_sound(&self) -> Result<()> {
        let Some(why) = self.poison.get() else { return Ok(()) };
        let what = format!(
            "the store is read-only since a write failed ({why}); restart clearspan after mending it"
        );
        Err(Error::new(ErrorKind::Unavailable, what))
    }

    pub(crate) fn is_short_of_room(&self) -> bool {
        self.troubles.lock().iter().any(|(trouble, _)| matches!(trouble, Trouble::Space | Trouble::LowSpace))
    }

    /// What somebody should know although writes are accepted.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let troubles = self.troubles.lock();
        let harmless =
            troubles.iter().filter(|(trouble, _)| !matches!(trouble, Trouble::Log | Trouble::Space));
        harmless.map(|(_, why)| why.clone()).collect()
    }

    fn check(&self, deadly: &[Trouble]) -> Result<()> {
        self.check_sound()?;
        self.check_answers()?;
        let troubles = self.troubles.lock();
        match troubles.iter().find(|(trouble, _)| deadly.contains(trouble)) {
            None => Ok(()),
            Some((Trouble::Space, why)) => Err(Error::new(ErrorKind::Unavailable, why.clone())),
            Some((_, why)) => Err(Error::new(
                ErrorKind::Unavailable,
                format!(
                    "the disk takes no writes ({why}); reads go on, and writes are accepted as soon as it takes them again"
                ),
            )),
        }
    }
}

/// What was found to be damaged in a file. The first finding is enough to warn of it; `doctor` finds them all.
#[derive(Debug, Default)]
pub(crate) struct Damaged(Mutex<Option<String>>);

impl Damaged {
    pub(crate) fn tell(&self, what: impl FnOnce() -> String) {
        self.0.lock().get_or_insert_with(what);
    }

    /// The file was mended: all of it matches its checksums.
    pub(crate) fn clear(&self) {
        *self.0.lock() = None;
    }

    pub(crate) fn what(&self) -> Option<String> {
        self.0.lock().clone()
    }
}

/// What a failure to read a file means: that it is damaged, or that the machine is short of something just now.
pub(crate) fn kind_of_failed_read(err: &(dyn std::error::Error + 'static)) -> ErrorKind {
    const ENOMEM: i32 = 12;
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    if bucket::is_unreachable(err) {
        return ErrorKind::Unavailable;
    }
    let mut cause = Some(err);
    while let Some(err) = cause {
        let errno = err.downcast_ref::<std::io::Error>().and_then(std::io::Error::raw_os_error);
        if matches!(errno, Some(ENOMEM | ENFILE | EMFILE)) {
            return ErrorKind::Unavailable;
        }
        cause = err.source();
    }
    ErrorKind::Corrupt
}

/// Whether an error comes from the disk or an object store, so that the same may go well later. The damage of a file does
/// not go away.
pub(crate) fn is_from_disk(err: &(dyn std::error::Error + 'static)) -> bool {
    if bucket::is_unreachable(err) {
        return true;
    }
    let mut cause = Some(err);
    while let Some(err) = cause {
        if err.downcast_ref::<std::io::Error>().is_some_and(|err| err.raw_os_error().is_some()) {
            return true;
        }
        cause = err.source();
    }
    false
}
