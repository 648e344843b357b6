//! Keeps some room on the disk free: new data is refused before the disk is full, so that what frees room (deletions,
//! flushes, compaction) can still be written. Accepts again by itself when there is room.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use clearspan_model::ErrorKind;

use super::disk::Space;
use super::health::Trouble;
use super::state::Shared;
use crate::error::Context;
use crate::{Error, Result};

/// How often the room is looked at.
const INTERVAL: Duration = Duration::from_millis(500);

/// A part of the disk: the larger of both. Zero is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Room {
    /// Hundredths of the disk.
    pub percent: u8,
    /// Bytes.
    pub bytes: u64,
}

impl Room {
    fn of(self, total: u64) -> u64 {
        // Percent first would lose the remainder, which nobody misses, and cannot overflow.
        (total / 100 * u64::from(self.percent)).max(self.bytes)
    }
}

/// How much of the disk stays free.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SpaceLimits {
    /// With less, new data is refused.
    pub refuse_below: Room,
    /// With less, somebody should know.
    pub warn_below: Room,
}

/// Looks at the disk as long as it lives.
#[derive(Debug)]
pub(crate) struct Watch {
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Looks once before it returns.
    pub(crate) fn start(shared: &Arc<Shared>, limits: SpaceLimits) -> Result<Self> {
        look(shared, limits);
        let (stop, stopped) = sync_channel(0);
        let shared = Arc::clone(shared);
        let work = move || {
            while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                look(&shared, limits);
            }
        };
        let thread = std::thread::Builder::new().name("clearspan-space".to_owned()).spawn(work);
        let thread = thread.context(ErrorKind::Unavailable, || "starting thread clearspan-space".into())?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that watches the disk panicked");
        }
    }
}

fn look(shared: &Shared, limits: SpaceLimits) {
    let Space { free, total } = match shared.disk.space(&shared.config.dir) {
        Ok(space) => space,
        Err(err) => {
            tracing::debug!(error = %err, "the room on the disk cannot be found out");
            return;
        }
    };
    let (least, low) = (limits.refuse_below.of(total), limits.warn_below.of(total));
    let told = format!("{} of {} are free on the disk of the data folder", size(free), size(total));
    let health = &shared.health;
    if free < least {
        let what = format!(
            "only {told}, and {} must stay free: nothing new is accepted until there is room; reads and deletions go on",
            size(least)
        );
        health.begin(Trouble::Space, &Error::new(ErrorKind::Unavailable, what));
    } else if free >= least + least / 50 {
        // A bit more than the least, so that it does not go on and off with every write.
        health.end(Trouble::Space);
    }
    if free < low {
        health.begin(Trouble::LowSpace, &Error::new(ErrorKind::Unavailable, format!("only {told}")));
    } else {
        health.end(Trouble::LowSpace);
    }
}

fn size(bytes: u64) -> String {
    match bytes >> 20 {
        mebibytes @ 0..10_240 => format!("{mebibytes} MiB"),
        mebibytes => format!("{} GiB", mebibytes >> 10),
    }
}

#[cfg(test)]
mod tests;
